-- AlterTable
ALTER TABLE "master_key_check" ADD COLUMN     "derivation_root" BYTEA;
