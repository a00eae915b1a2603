import { generateKeyPair } from 'node:crypto'

/** The key pairs that the service makes, PEM. */
export function createKeyPair(): Promise<{ publicKey: string; privateKey: string }> {
  const options = {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' }
  } as const
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', options, (error, publicKey, privateKey) =>
      error ? reject(error) : resolve({ publicKey, privateKey })
    )
  })
}
