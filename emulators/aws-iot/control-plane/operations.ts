import { defineOperations } from '@fogbank/personality'
import { errors } from '../errors.ts'
import type { State } from '../handlers.ts'
import { limits } from '../limits.ts'
import {
  attachPolicy,
  attachThingPrincipal,
  createKeysAndCertificate,
  createPolicy,
  createThing,
  deleteThing,
  describeEndpoint,
  describeThing,
  detachThingPrincipal,
  listThings
} from './handlers.ts'
import {
  attachPolicyBody,
  attachThingPrincipalQuery,
  createPolicyBody,
  createThingBody,
  deleteThingQuery,
  describeEndpointQuery,
  listThingsQuery
} from './schemas.ts'

const API = 'https://docs.aws.amazon.com/iot/latest/apireference'

const invalid = () => errors.RequestMalformed()

/** As much of the `iot` service as a device needs to get to the data plane. */
export const controlPlaneOperations = defineOperations<State>()({
  DescribeEndpoint: {
    method: 'GET',
    path: '/endpoint',
    query: describeEndpointQuery,
    invalid: (_fault, { query }) =>
      errors.EndpointTypeInvalid({ endpointType: query.endpointType ?? '' }),
    raises: ['EndpointTypeInvalid'],
    handle: describeEndpoint,
    source: `${API}/API_DescribeEndpoint.html`
  },
  CreateThing: {
    method: 'POST',
    path: '/things/{thingName}',
    body: createThingBody,
    emptyBody: true,
    bodyLimit: limits.payloadBytes,
    invalid,
    raises: [
      'NameInvalid',
      'RequestMalformed',
      'ThingExists',
      'ThingTypeNotFound',
      'BillingGroupNotFound'
    ],
    handle: createThing,
    source: `${API}/API_CreateThing.html`
  },
  DescribeThing: {
    method: 'GET',
    path: '/things/{thingName}',
    raises: ['NameInvalid', 'ThingNotFound'],
    handle: describeThing,
    source: `${API}/API_DescribeThing.html`
  },
  ListThings: {
    method: 'GET',
    path: '/things',
    query: listThingsQuery,
    invalid: (_fault, { query }) => limits.thingsPerPage.exceeded(query.maxResults ?? ''),
    raises: ['MaxResultsInvalid', 'NextTokenInvalid'],
    handle: listThings,
    source: `${API}/API_ListThings.html`
  },
  DeleteThing: {
    method: 'DELETE',
    path: '/things/{thingName}',
    query: deleteThingQuery,
    invalid,
    raises: ['NameInvalid', 'ThingVersionConflict', 'ThingAttached'],
    handle: deleteThing,
    source: `${API}/API_DeleteThing.html`
  },
  CreateKeysAndCertificate: {
    method: 'POST',
    path: '/keys-and-certificate',
    bodyLimit: limits.payloadBytes,
    raises: [],
    handle: createKeysAndCertificate,
    source: `${API}/API_CreateKeysAndCertificate.html`
  },
  CreatePolicy: {
    method: 'POST',
    path: '/policies/{policyName}',
    body: createPolicyBody,
    bodyLimit: limits.payloadBytes,
    invalid,
    raises: ['NameInvalid', 'PolicyMalformed', 'PolicyTooLong', 'PolicyExists'],
    handle: createPolicy,
    source: `${API}/API_CreatePolicy.html`
  },
  AttachPolicy: {
    method: 'PUT',
    path: '/target-policies/{policyName}',
    body: attachPolicyBody,
    bodyLimit: limits.payloadBytes,
    invalid,
    raises: ['NameInvalid', 'PolicyNotFound', 'PrincipalInvalid', 'CertificateNotFound'],
    handle: attachPolicy,
    source: `${API}/API_AttachPolicy.html`
  },
  AttachThingPrincipal: {
    method: 'PUT',
    path: '/things/{thingName}/principals',
    query: attachThingPrincipalQuery,
    invalid: (_fault, { query }) =>
      errors.ThingPrincipalTypeInvalid({ thingPrincipalType: query.thingPrincipalType ?? '' }),
    bodyLimit: limits.payloadBytes,
    raises: [
      'NameInvalid',
      'ThingPrincipalTypeInvalid',
      'ThingNotFound',
      'PrincipalInvalid',
      'CertificateNotFound',
      'PrincipalExclusive',
      'PrincipalNotExclusive'
    ],
    handle: attachThingPrincipal,
    source: `${API}/API_AttachThingPrincipal.html`
  },
  DetachThingPrincipal: {
    method: 'DELETE',
    path: '/things/{thingName}/principals',
    raises: ['NameInvalid', 'ThingNotFound', 'PrincipalInvalid', 'CertificateNotFound'],
    handle: detachThingPrincipal,
    source: `${API}/API_DetachThingPrincipal.html`
  }
})
