import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createPermissions } from './permissions.ts'

/** Roles, group, whether the client may join it, whether it may send to it. */
const ROWS: [roles: string[], group: string, joins: boolean, sends: boolean][] = [
  [[], 'room', false, false],
  [['webpubsub.joinLeaveGroup'], 'room', true, false],
  [['webpubsub.sendToGroup'], 'room', false, true],
  [['webpubsub.joinLeaveGroup.room'], 'room', true, false],
  [['webpubsub.joinLeaveGroup.room'], 'Room', false, false],
  [['webpubsub.joinLeaveGroup.room'], 'room.a', false, false],
  [['webpubsub.joinLeaveGroup.*'], 'room', false, false],
  [['webpubsub.joinLeaveGroup.*'], '*', true, false],
  [['webpubsub.joinLeaveGroups'], 'room', false, false],
  [['WebPubSub.joinLeaveGroup'], 'room', false, false],
  [['webpubsub.sendToGroups.room*'], 'room1', false, true],
  [['webpubsub.sendToGroups.room*'], 'room', false, true],
  [['webpubsub.sendToGroups.room*'], 'room1.a', false, false],
  [['webpubsub.sendToGroups.room*'], 'room/1/a', false, true],
  [['webpubsub.sendToGroups.room*'], 'Room1', false, false],
  [['webpubsub.sendToGroups.room.**'], 'room.a.b', false, true],
  [['webpubsub.sendToGroups.**'], 'a.b.c', false, true],
  [['webpubsub.sendToGroups.*.b'], 'a.b', false, true],
  [['webpubsub.sendToGroups.*.b'], 'a.c.b', false, false],
  [['webpubsub.sendToGroups.ro?m'], 'room', false, true],
  [['webpubsub.sendToGroups.ro?m'], 'ro.m', false, false],
  [['webpubsub.sendToGroups.ro?m'], 'rom', false, false],
  [['webpubsub.sendToGroups.a\\*'], 'a*', false, true],
  [['webpubsub.sendToGroups.a\\*'], 'ab', false, false],
  [['webpubsub.sendToGroups.a\\?'], 'a?', false, true],
  [['webpubsub.sendToGroups.a\\\\'], 'a\\', false, true],
  [['webpubsub.sendToGroups.a\\b'], 'a\\b', false, false],
  [['webpubsub.sendToGroups.(a+)+$'], '(a+)+$', false, true],
  [['webpubsub.sendToGroups.*.*.*.*.*'], 'a.b.c.d.e', false, true],
  [['webpubsub.sendToGroups.*.*.*.*.*.*'], 'a.b.c.d.e.f', false, false],
  [['webpubsub.sendToGroups.'], '', false, false],
  [['webpubsub.joinLeaveGroups.a*', 'webpubsub.sendToGroups.b*'], 'ab', true, false]
]

const permissions = suite('azure-web-pubsub permissions')

for (const [roles, group, joins, sends] of ROWS) {
  permissions(`${roles.join(', ') || 'no role'} and group ${group}`, () => {
    const held = createPermissions(roles)
    assert.equal(
      [held.allows('joinLeaveGroup', group), held.allows('sendToGroup', group)],
      [joins, sends]
    )
  })
}

permissions(
  'a name that nearly fits a pattern of stars is refused before the hours are over',
  () => {
    const held = createPermissions(['webpubsub.sendToGroups.**a**a*'])
    // Whoever tries the ways to divide it one after the other is busy with 10^12 of them.
    assert.not(held.allows('sendToGroup', `${'a'.repeat(20_000)}.`))
    assert.ok(held.allows('sendToGroup', 'a'.repeat(20_000)))
  }
)

permissions('what is revoked is an exception of what a role allows', () => {
  const held = createPermissions(['webpubsub.sendToGroup'])
  held.revoke('sendToGroup', 'room')
  assert.equal(
    [held.allows('sendToGroup', 'room'), held.allows('sendToGroup', 'other')],
    [false, true]
  )
  held.grant('sendToGroup', 'room')
  assert.ok(held.allows('sendToGroup', 'room'))
})

permissions('granting what is implied takes no room', () => {
  const held = createPermissions(['webpubsub.sendToGroups.room*'])
  for (let index = 0; index < 2000; index++) assert.ok(held.grant('sendToGroup', `room${index}`))
  for (let index = 0; index < 1000; index++) assert.ok(held.revoke('sendToGroup', `room${index}`))
  assert.not.ok(held.revoke('sendToGroup', 'room1000'))
  assert.ok(held.allows('sendToGroup', 'room1000'))
  assert.ok(held.grant('sendToGroup', 'room0'))
  assert.ok(held.revoke('sendToGroup', 'room1000'))
})

permissions.run()
