import { z } from 'zod'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute, idParam } from '../route.ts'
import {
  addedImage,
  imageDigest,
  imagePullView,
  imageRef,
  imageView,
  newImagePull,
  newRegistry,
  prunedHostImages,
  registryHost,
  registryView,
} from './schemas.ts'

/** Images of containers that the server has, and the registries that it pulls them from. */
export const IMAGES_ROUTES = {
  listImages: defineRoute('GET', '/api/images', {
    summary: 'Lists images by name; with ref those that it names, by tag or digest.',
    access: 'images:read',
    scope: 'filtered',
    audit: 'refusals',
    query: z.strictObject({ ref: imageRef.optional() }),
    response: z.strictObject({ images: z.array(imageView) }),
  }),
  addImages: defineRoute('POST', '/api/images', {
    summary:
      'Adds the images of an archive, sent as the body with content-type application/octet-stream: of "docker save", "podman save" or an OCI archive.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    consumes: 'application/octet-stream',
    query: addedImage,
    response: z.strictObject({ images: z.array(imageView) }),
  }),
  showImage: defineRoute('GET', '/api/images/:id', {
    summary: 'Returns an image.',
    access: 'images:read',
    scope: 'filtered',
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ image: imageView }),
  }),
  removeImage: defineRoute('DELETE', '/api/images/:id', {
    summary: 'Removes an image from the servers; refused while something uses it. Hosts keep what they have.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: idParam,
    response: z.strictObject({}),
  }),
  sendImage: defineRoute('POST', '/api/hosts/:host/images', {
    summary:
      'Brings an image to a host ahead of time: the parts that it lacks. Answers when they are on its disk; a repeated request waits for the one before.',
    access: 'images:write',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    body: z.strictObject({ ref: imageRef }),
    response: z.strictObject({
      /** The digest of the manifest for the architecture of the host. */
      digest: imageDigest,
      /** Before compression. */
      sentBytes: z.int(),
    }),
  }),
  pruneHostImages: defineRoute('POST', '/api/hosts/:host/images/prune', {
    summary:
      'Removes images from a host that nothing there needs: not what runs or is to run, what a service goes back to, or spare copies. At most 500 at once, the oldest first.',
    access: 'images:write',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    body: prunedHostImages,
    response: z.strictObject({
      /** The digests of manifests. */
      removed: z.array(z.strictObject({ digest: imageDigest, name: z.string().nullable() })),
      /** Why the host keeps others, such as a container of somebody else's. */
      kept: z.array(z.strictObject({ digest: imageDigest, name: z.string().nullable(), why: z.string() })),
    }),
  }),
  pullImage: defineRoute('POST', '/api/image-pulls', {
    summary: 'Pulls an image from its registry to the server. The answer comes before it has ended.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    body: newImagePull,
    response: z.strictObject({ pull: imagePullView }),
  }),
  listImagePulls: defineRoute('GET', '/api/image-pulls', {
    summary: 'Lists pulls of images of the last day, newest first.',
    access: 'images:read',
    scope: 'none',
    audit: 'refusals',
    response: z.strictObject({ pulls: z.array(imagePullView) }),
  }),
  showImagePull: defineRoute('GET', '/api/image-pulls/:id', {
    summary: 'Returns how far a pull of an image is.',
    access: 'images:read',
    scope: 'none',
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ pull: imagePullView }),
  }),
  cancelImagePull: defineRoute('POST', '/api/image-pulls/:id/cancel', {
    summary: 'Cancels a pull of an image that has not ended.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    params: idParam,
    response: z.strictObject({ pull: imagePullView }),
  }),
  listRegistries: defineRoute('GET', '/api/registries', {
    summary: 'Lists the registries that have settings of their own, without passwords.',
    access: 'images:read',
    scope: 'none',
    audit: 'refusals',
    response: z.strictObject({ registries: z.array(registryView) }),
  }),
  addRegistry: defineRoute('POST', '/api/registries', {
    summary:
      'Sets how a registry is reached: user and password, mirrors, certificates. Replaces earlier settings.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: newRegistry,
    response: z.strictObject({ registry: registryView, isNew: z.boolean() }),
  }),
  removeRegistry: defineRoute('DELETE', '/api/registries/:registry', {
    summary: 'Removes the settings of a registry, and its password. Its images stay.',
    access: 'images:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: z.strictObject({ registry: registryHost }),
    response: z.strictObject({}),
  }),
} as const
