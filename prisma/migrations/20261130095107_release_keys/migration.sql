-- The servers' own keys to sign releases of the agent with; the newest signs, older ones say to hosts which is the newest.
CREATE TABLE "release_key" (
    "id" INTEGER NOT NULL,
    "public_key" TEXT NOT NULL,
    "private_key" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "release_key_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "release_key_public_key_key" ON "release_key"("public_key");
