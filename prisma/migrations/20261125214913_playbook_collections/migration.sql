-- AlterTable
ALTER TABLE "playbook_run" ADD COLUMN     "version" TEXT;

-- CreateTable
CREATE TABLE "playbook_collection" (
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,

    CONSTRAINT "playbook_collection_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "playbook_collection_version" (
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "source" JSONB NOT NULL,
    "playbooks" JSONB NOT NULL,
    "file_count" INTEGER NOT NULL,
    "bytes" INTEGER NOT NULL,
    "added_by" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "playbook_collection_version_pkey" PRIMARY KEY ("name","version")
);

-- CreateTable
CREATE TABLE "playbook_collection_file" (
    "name" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "path" TEXT NOT NULL,
    "mode" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "playbook_collection_file_pkey" PRIMARY KEY ("name","version","path")
);

-- AddForeignKey
ALTER TABLE "playbook_collection_version" ADD CONSTRAINT "playbook_collection_version_name_fkey" FOREIGN KEY ("name") REFERENCES "playbook_collection"("name") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "playbook_collection_file" ADD CONSTRAINT "playbook_collection_file_name_version_fkey" FOREIGN KEY ("name", "version") REFERENCES "playbook_collection_version"("name", "version") ON DELETE CASCADE ON UPDATE CASCADE;
