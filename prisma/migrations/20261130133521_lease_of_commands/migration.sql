-- Commands are held under the lease of their server.
ALTER TABLE "command" DROP COLUMN "lease_until";
