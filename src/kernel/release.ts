/** Whether a kernel, by its release as uname(2) gives it (`6.1.0-32-amd64`), is older than this version. */
export function isKernelBefore(release: string, major: number, minor: number): boolean {
  const [theirMajor = 0, theirMinor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return theirMajor < major || (theirMajor === major && theirMinor < minor);
}
