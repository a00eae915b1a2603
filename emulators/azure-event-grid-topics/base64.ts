/** What .NET's decoder says of a text: its bytes, or which of its two complaints. */
export type Decoded = { bytes: Buffer } | { fault: 'characters' | 'length' }

/** Decodes as the service does: white space does not count, an alien character is found before a bad length. */
export function decodeBase64(text: string): Decoded {
  const compact = text.replace(/[ \t\r\n]/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return { fault: 'characters' }
  if (compact.length % 4 !== 0) return { fault: 'length' }
  return { bytes: Buffer.from(compact, 'base64') }
}
