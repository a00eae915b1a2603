import type { JsonSchema } from '@fogbank/personality'

export const clientAuthentication: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How MQTT clients prove who they are.',
  properties: {
    alternativeAuthenticationNameSources: {
      type: 'array',
      maxItems: 5,
      uniqueItems: true,
      description: 'Fields of a certificate that hold the name of a client without a username.',
      items: {
        type: 'string',
        enum: [
          'ClientCertificateSubject',
          'ClientCertificateDns',
          'ClientCertificateUri',
          'ClientCertificateIp',
          'ClientCertificateEmail'
        ]
      }
    }
  }
}
