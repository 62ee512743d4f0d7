import { fileURLToPath } from 'node:url';

/** The path that a script's URL stands for, else the URL: of another host or scheme, say. */
export function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
