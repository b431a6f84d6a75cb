-- One lease per server; what it works on names it in lease_owner.
ALTER TABLE "server_lease" RENAME COLUMN "id" TO "lease_owner";
ALTER TABLE "roll" RENAME COLUMN "owner" TO "lease_owner";
