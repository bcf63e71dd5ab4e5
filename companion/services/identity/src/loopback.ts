import { isIPv4 } from 'node:net'

/** Whether a peer is on this machine. @param address as Node says it: IPv4, IPv6, or IPv4 in IPv6 */
export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:/i, '')
  return plain === '::1' || (plain !== undefined && isIPv4(plain) && plain.startsWith('127.'))
}

/** Whether a URL names this machine. @param hostname as `URL` says it */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]'
}
