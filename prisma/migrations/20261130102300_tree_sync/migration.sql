-- AlterTable
ALTER TABLE "transfer" ADD COLUMN     "deletes_others" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "is_dry_run" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "transfer_host" ADD COLUMN     "changes" JSONB;
