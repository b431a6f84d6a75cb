/** Hands content to the browser as a download of this name. */
export function saveAs(content: BlobPart | BlobPart[], name: string): void {
  // Of a type that no browser knows, or some put .txt behind the name.
  const blob = new Blob([content].flat() as BlobPart[], { type: 'application/octet-stream' })
  const url = URL.createObjectURL(blob)
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  URL.revokeObjectURL(url)
}
