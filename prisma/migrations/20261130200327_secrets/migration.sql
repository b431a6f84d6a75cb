-- CreateTable
CREATE TABLE "secret" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "secret_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "secret_version" (
    "id" UUID NOT NULL,
    "secret_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "data" BYTEA NOT NULL,
    "digest" TEXT NOT NULL,
    "bytes" INTEGER NOT NULL,
    "fits_environment" BOOLEAN NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "secret_version_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "secret_name_key" ON "secret"("name");

-- CreateIndex
CREATE UNIQUE INDEX "secret_version_secret_id_version_key" ON "secret_version"("secret_id", "version");

-- AddForeignKey
ALTER TABLE "secret_version" ADD CONSTRAINT "secret_version_secret_id_fkey" FOREIGN KEY ("secret_id") REFERENCES "secret"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Beyond what Prisma can express: ids are looked up as ids, and names as names.
ALTER TABLE "secret" ADD CONSTRAINT "secret_name_is_no_id" CHECK (NOT has_uuid_form("name"));
