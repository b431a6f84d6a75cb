export function debianMirrors(root?: string): Promise<{ archive: string; security: string }>
