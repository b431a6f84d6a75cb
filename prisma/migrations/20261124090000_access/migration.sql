-- CreateTable
CREATE TABLE "app_user" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "scope" JSONB,
    "password_hash" TEXT,
    "totp_secret" BYTEA,
    "is_totp_confirmed" BOOLEAN NOT NULL DEFAULT false,
    "totp_last_step" BIGINT NOT NULL DEFAULT 0,
    "recovery_hashes" TEXT[] NOT NULL DEFAULT ARRAY[]::TEXT[],
    "is_disabled" BOOLEAN NOT NULL DEFAULT false,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "locked_until" TIMESTAMPTZ(3),
    "last_sign_in_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_session" (
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "token_hash" TEXT NOT NULL,
    "is_pending" BOOLEAN NOT NULL,
    "address" TEXT NOT NULL,
    "user_agent" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "user_session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "one_time_link" (
    "token_hash" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "user_id" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "one_time_link_pkey" PRIMARY KEY ("token_hash")
);

-- AlterTable: the keys that exist are those of servers' own command lines.
ALTER TABLE "api_key" ADD COLUMN     "kind" TEXT NOT NULL DEFAULT 'local',
ADD COLUMN     "permissions" TEXT[],
ADD COLUMN     "scope" JSONB,
ADD COLUMN     "created_by" TEXT,
ADD COLUMN     "expires_at" TIMESTAMPTZ(3),
ADD COLUMN     "last_used_at" TIMESTAMPTZ(3);

-- CreateIndex
CREATE UNIQUE INDEX "app_user_email_key" ON "app_user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "user_session_token_hash_key" ON "user_session"("token_hash");

-- CreateIndex
CREATE INDEX "user_session_user_id_idx" ON "user_session"("user_id");

-- AddForeignKey
ALTER TABLE "user_session" ADD CONSTRAINT "user_session_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "one_time_link" ADD CONSTRAINT "one_time_link_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "app_user"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Whether a host's labels fit every term of a selector, as matchesLabels of the contract judges; no terms fit all.
CREATE FUNCTION host_fits(labels jsonb, terms jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT terms IS NULL OR NOT EXISTS (
    SELECT 1 FROM jsonb_array_elements(terms) AS term
    WHERE NOT CASE term->>'operator'
      WHEN 'exists' THEN labels ? (term->>'key')
      WHEN 'absent' THEN NOT labels ? (term->>'key')
      WHEN 'in' THEN labels ? (term->>'key') AND term->'values' ? (labels->>(term->>'key'))
      ELSE NOT (labels ? (term->>'key') AND term->'values' ? (labels->>(term->>'key')))
    END)
$$;

-- AlterTable
ALTER TABLE "command" ADD COLUMN     "input_bytes" BIGINT NOT NULL DEFAULT 0;
