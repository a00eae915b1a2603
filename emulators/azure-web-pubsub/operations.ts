import { defineOperations } from '@fogbank/personality'
import {
  closeAllConnections,
  closeConnection,
  closeGroupConnections,
  closeUserConnections,
  connectionExists,
  groupExists,
  userExists
} from './handlers/connections.ts'
import { connectMqtt, expectUpgrade } from './handlers/connect-mqtt.ts'
import { generateClientToken } from './handlers/generate-token.ts'
import { listConnectionsInGroup } from './handlers/list.ts'
import {
  addConnectionsToGroups,
  addConnectionToGroup,
  addUserToGroup,
  removeConnectionFromAllGroups,
  removeConnectionFromGroup,
  removeConnectionsFromGroups,
  removeUserFromAllGroups,
  removeUserFromGroup
} from './handlers/membership.ts'
import { checkPermission, grantPermission, revokePermission } from './handlers/permissions.ts'
import { sendToAll, sendToConnection, sendToGroup, sendToUser } from './handlers/send.ts'
import type { State } from './state.ts'

const API =
  'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/webpubsub/data-plane/WebPubSub'
const MQTT =
  'https://learn.microsoft.com/azure/azure-web-pubsub/howto-connect-mqtt-websocket-client'
const HUB = '/api/hubs/{hub}'

/** What every operation on a hub can be refused with. */
const ANY = ['AuthorizationMissing', 'TokenInvalid'] as const
/** What a body can be refused for. */
const BODY = ['MediaTypeUnsupported', 'MessageTooLarge', 'BodyNotJson'] as const

/** The data plane; api-versions differ in which of these they list, not in what is answered. */
export const operations = defineOperations<State>()({
  HealthApi_GetServiceStatus: {
    method: 'HEAD',
    path: '/api/health',
    raises: ['ApiVersionInvalid'],
    handle: () => ({ status: 200 }),
    source: API
  },
  SendToAll: {
    method: 'POST',
    path: `${HUB}/:send`,
    raises: [
      ...ANY,
      'HubNameInvalid',
      'ApiVersionInvalid',
      'TokenExpired',
      'AudienceMismatch',
      'RoleMissing',
      'FilterInvalid',
      'MessageTtlInvalid',
      'MetadataInvalid',
      'ContentLengthMissing',
      ...BODY
    ],
    handle: sendToAll,
    source: API
  },
  SendToGroup: {
    method: 'POST',
    path: `${HUB}/groups/{group}/:send`,
    raises: [...ANY, 'GroupNameInvalid', 'FilterInvalid', 'MessageTtlInvalid', ...BODY],
    handle: sendToGroup,
    source: API
  },
  SendToUser: {
    method: 'POST',
    path: `${HUB}/users/{userId}/:send`,
    raises: [...ANY, 'UserIdInvalid', 'FilterInvalid', 'MessageTtlInvalid', ...BODY],
    handle: sendToUser,
    source: API
  },
  SendToConnection: {
    method: 'POST',
    path: `${HUB}/connections/{connectionId}/:send`,
    raises: [...ANY, 'MessageTtlInvalid', ...BODY],
    handle: sendToConnection,
    source: API
  },
  ConnectionExists: {
    method: 'HEAD',
    path: `${HUB}/connections/{connectionId}`,
    raises: [...ANY, 'NoSuchConnection'],
    handle: connectionExists,
    source: API
  },
  GroupExists: {
    method: 'HEAD',
    path: `${HUB}/groups/{group}`,
    raises: [...ANY, 'GroupNameInvalid', 'NoSuchGroup'],
    handle: groupExists,
    source: API
  },
  UserExists: {
    method: 'HEAD',
    path: `${HUB}/users/{userId}`,
    raises: [...ANY, 'UserIdInvalid', 'NoSuchUser'],
    handle: userExists,
    source: API
  },
  CloseConnection: {
    method: 'DELETE',
    path: `${HUB}/connections/{connectionId}`,
    raises: [...ANY],
    handle: closeConnection,
    source: API
  },
  CloseAllConnections: {
    method: 'POST',
    path: `${HUB}/:closeConnections`,
    raises: [...ANY],
    handle: closeAllConnections,
    source: API
  },
  CloseGroupConnections: {
    method: 'POST',
    path: `${HUB}/groups/{group}/:closeConnections`,
    raises: [...ANY, 'GroupNameInvalid'],
    handle: closeGroupConnections,
    source: API
  },
  CloseUserConnections: {
    method: 'POST',
    path: `${HUB}/users/{userId}/:closeConnections`,
    raises: [...ANY, 'UserIdInvalid'],
    handle: closeUserConnections,
    source: API
  },
  AddConnectionToGroup: {
    method: 'PUT',
    path: `${HUB}/groups/{group}/connections/{connectionId}`,
    raises: [...ANY, 'GroupNameInvalid', 'ConnectionNotFound'],
    handle: addConnectionToGroup,
    source: API
  },
  RemoveConnectionFromGroup: {
    method: 'DELETE',
    path: `${HUB}/groups/{group}/connections/{connectionId}`,
    raises: [...ANY, 'GroupNameInvalid'],
    handle: removeConnectionFromGroup,
    source: API
  },
  RemoveConnectionFromAllGroups: {
    method: 'DELETE',
    path: `${HUB}/connections/{connectionId}/groups`,
    raises: [...ANY],
    handle: removeConnectionFromAllGroups,
    source: API
  },
  AddUserToGroup: {
    method: 'PUT',
    path: `${HUB}/users/{userId}/groups/{group}`,
    raises: [...ANY, 'UserIdInvalid', 'GroupNameInvalid', 'UserNotFound'],
    handle: addUserToGroup,
    source: API
  },
  RemoveUserFromGroup: {
    method: 'DELETE',
    path: `${HUB}/users/{userId}/groups/{group}`,
    raises: [...ANY, 'UserIdInvalid', 'GroupNameInvalid'],
    handle: removeUserFromGroup,
    source: API
  },
  RemoveUserFromAllGroups: {
    method: 'DELETE',
    path: `${HUB}/users/{userId}/groups`,
    raises: [...ANY, 'UserIdInvalid'],
    handle: removeUserFromAllGroups,
    source: API
  },
  AddConnectionsToGroups: {
    method: 'POST',
    path: `${HUB}/:addToGroups`,
    raises: [...ANY, 'GroupsInvalid', 'FilterInvalid', ...BODY],
    handle: addConnectionsToGroups,
    source: API
  },
  RemoveConnectionsFromGroups: {
    method: 'POST',
    path: `${HUB}/:removeFromGroups`,
    raises: [...ANY, 'GroupsInvalid', 'FilterInvalid', ...BODY],
    handle: removeConnectionsFromGroups,
    source: API
  },
  ListConnectionsInGroup: {
    method: 'GET',
    path: `${HUB}/groups/{group}/connections`,
    raises: [
      ...ANY,
      'GroupNameInvalid',
      'MaxPageSizeInvalid',
      'TopInvalid',
      'ContinuationTokenInvalid'
    ],
    handle: listConnectionsInGroup,
    source: API
  },
  GrantPermission: {
    method: 'PUT',
    path: `${HUB}/permissions/{permission}/connections/{connectionId}`,
    raises: [
      ...ANY,
      'PermissionInvalid',
      'TargetNameInvalid',
      'PermissionNotFound',
      'PermissionsConflict'
    ],
    handle: grantPermission,
    source: API
  },
  RevokePermission: {
    method: 'DELETE',
    path: `${HUB}/permissions/{permission}/connections/{connectionId}`,
    raises: [...ANY, 'PermissionInvalid', 'TargetNameInvalid', 'PermissionsConflict'],
    handle: revokePermission,
    source: API
  },
  CheckPermission: {
    method: 'HEAD',
    path: `${HUB}/permissions/{permission}/connections/{connectionId}`,
    raises: [...ANY, 'PermissionInvalid', 'TargetNameInvalid', 'PermissionNotFound'],
    handle: checkPermission,
    source: API
  },
  GenerateClientToken: {
    method: 'POST',
    path: `${HUB}/:generateToken`,
    raises: [
      ...ANY,
      'ClientTypeInvalid',
      'MinutesToExpireInvalid',
      'GroupNameInvalid',
      'CallerNotEntra'
    ],
    handle: generateClientToken,
    source: API
  },
  ConnectMqtt: {
    method: 'GET',
    path: '/clients/mqtt/hubs/{hub*}',
    upgrade: true,
    raises: [
      'ClientHubInvalid',
      'SubprotocolMissing',
      'ClientTokenMissing',
      'ClientTokenInvalid',
      'TokenGroupInvalid',
      'ClientIdInvalid',
      'KeepAliveInvalid',
      'AuthenticationMethodUnsupported',
      'WillTopicInvalid',
      'WillTooLarge',
      'WillRetained',
      'TopicInvalid',
      'FilterTopicInvalid',
      'SendNotPermitted',
      'JoinNotPermitted',
      'LeaveNotPermitted'
    ],
    handle: connectMqtt,
    source: MQTT
  },
  ConnectMqttWithoutUpgrade: {
    method: 'GET',
    path: '/clients/mqtt/hubs/{hub*}',
    raises: ['UpgradeExpected'],
    handle: expectUpgrade,
    source: MQTT
  }
})
