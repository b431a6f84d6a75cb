-- Images of containers that the servers have: from archives, or pulled from registries.
CREATE TABLE "image" (
    "id" UUID NOT NULL,
    "repository" TEXT NOT NULL,
    "tag" TEXT,
    "digest" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "added_by" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL,
    "replaced_at" TIMESTAMPTZ(3),

    CONSTRAINT "image_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "image_repository_tag_key" ON "image"("repository", "tag");
CREATE INDEX "image_digest_idx" ON "image"("digest");

CREATE TABLE "image_variant" (
    "image_id" UUID NOT NULL,
    "architecture" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "media_type" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "blobs" JSONB NOT NULL,

    CONSTRAINT "image_variant_pkey" PRIMARY KEY ("image_id", "architecture")
);
CREATE INDEX "image_variant_digest_idx" ON "image_variant"("digest");
ALTER TABLE "image_variant" ADD CONSTRAINT "image_variant_image_id_fkey" FOREIGN KEY ("image_id") REFERENCES "image"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Which server holds which blob.
CREATE TABLE "image_blob" (
    "digest" TEXT NOT NULL,
    "server_id" TEXT NOT NULL,
    "stored_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "image_blob_pkey" PRIMARY KEY ("digest", "server_id")
);

-- Which host was given which manifest.
CREATE TABLE "image_host" (
    "digest" TEXT NOT NULL,
    "host_id" UUID NOT NULL,
    "delivered_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "image_host_pkey" PRIMARY KEY ("digest", "host_id")
);
ALTER TABLE "image_host" ADD CONSTRAINT "image_host_host_id_fkey" FOREIGN KEY ("host_id") REFERENCES "host"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "image_pull" (
    "id" UUID NOT NULL,
    "ref" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL DEFAULT 0,
    "total_bytes" BIGINT,
    "image_id" UUID,
    "reason_code" TEXT,
    "reason" TEXT,
    "requested_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),
    "lease_owner" TEXT NOT NULL,

    CONSTRAINT "image_pull_pkey" PRIMARY KEY ("id")
);
ALTER TABLE "image_pull" ADD CONSTRAINT "image_pull_image_id_fkey" FOREIGN KEY ("image_id") REFERENCES "image"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE TABLE "registry" (
    "host" TEXT NOT NULL,
    "username" TEXT,
    "password" BYTEA,
    "mirrors" JSONB NOT NULL,
    "plain_http" BOOLEAN NOT NULL,
    "ca" TEXT,
    "added_by" TEXT NOT NULL,
    "added_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "registry_pkey" PRIMARY KEY ("host")
);
