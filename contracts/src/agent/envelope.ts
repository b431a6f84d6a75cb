/** The content type of requests and answers that carry bytes beside their JSON-RPC. Same path, same header, same refusals. */
export const ENVELOPE_TYPE = 'application/octet-stream'

/** Bytes before the JSON: its length, as an unsigned 32-bit number, the highest byte first. */
const HEAD_BYTES = 4

/** Encodes the head of an envelope: the length of the JSON, and the JSON in UTF-8. */
export function envelopeHead(json: string): Uint8Array {
  const text = new TextEncoder().encode(json)
  const head = new Uint8Array(HEAD_BYTES + text.length)
  new DataView(head.buffer).setUint32(0, text.length)
  head.set(text, HEAD_BYTES)
  return head
}

/** The JSON and the bytes of an envelope, not copied; null for what is none. */
export function openEnvelope(envelope: Uint8Array): { json: Uint8Array; bytes: Uint8Array } | null {
  if (envelope.length < HEAD_BYTES) return null
  const length = new DataView(envelope.buffer, envelope.byteOffset, HEAD_BYTES).getUint32(0)
  const end = HEAD_BYTES + length
  if (end > envelope.length) return null
  return { json: envelope.subarray(HEAD_BYTES, end), bytes: envelope.subarray(end) }
}
