import type { JsonSchema } from '@fogbank/personality'

const NOT_EMPTY = { type: 'string', minLength: 1 }
const PEM = { ...NOT_EMPTY, description: 'A certificate, PEM.' }

const identity = {
  type: 'object',
  additionalProperties: false,
  description: 'What the service proves itself with; of no consequence here.',
  properties: {
    type: { type: 'string', enum: ['SystemAssigned', 'UserAssigned'] },
    userAssignedIdentity: { type: 'string' }
  }
}

const customJwtAuthentication = {
  type: 'object',
  additionalProperties: false,
  required: ['tokenIssuer'],
  description: 'Whose tokens clients may bring with the method CUSTOM-JWT.',
  properties: {
    tokenIssuer: { ...NOT_EMPTY, description: 'The iss of the tokens.' },
    issuerCertificates: {
      type: 'array',
      maxItems: 2,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['certificateUrl'],
        properties: {
          certificateUrl: NOT_EMPTY,
          identity,
          encodedCertificate: { ...PEM, description: 'What certificateUrl leads to, as PEM.' }
        }
      }
    },
    encodedIssuerCertificates: {
      type: 'array',
      maxItems: 2,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['kid', 'encodedCertificate'],
        properties: { kid: NOT_EMPTY, encodedCertificate: PEM }
      }
    }
  }
}

const webHookAuthentication = {
  type: 'object',
  additionalProperties: false,
  required: [
    'endpointUrl',
    'azureActiveDirectoryApplicationIdOrUri',
    'azureActiveDirectoryTenantId'
  ],
  description: 'Who decides about clients, in place of the namespace itself.',
  properties: {
    endpointUrl: { ...NOT_EMPTY, description: 'Where the CONNECT is sent, http or https.' },
    endpointBaseUrl: NOT_EMPTY,
    identity,
    azureActiveDirectoryApplicationIdOrUri: {
      ...NOT_EMPTY,
      description: 'Audience of the token on the request.'
    },
    azureActiveDirectoryTenantId: { ...NOT_EMPTY, description: 'Tenant of that token.' }
  }
}

export const clientAuthentication: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How MQTT clients prove who they are.',
  properties: {
    customJwtAuthentication,
    webHookAuthentication,
    webhookAuthentication: webHookAuthentication,
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
