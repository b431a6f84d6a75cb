CREATE TABLE "registry_slot" (
    "registry" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "holder" UUID NOT NULL,
    "lease_owner" TEXT NOT NULL,

    CONSTRAINT "registry_slot_pkey" PRIMARY KEY ("registry", "slot")
);
