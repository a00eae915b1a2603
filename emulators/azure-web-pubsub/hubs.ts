import type { Core } from '@fogbank/core'
import { createHub, type Hub } from './hub.ts'

/** The hubs that somebody has asked for; each has a space of its own. */
export interface Hubs {
  /** The hub of this folded name, made when it is first asked for. */
  get(name: string): Promise<Hub>
  all(): Promise<Hub[]>
}

/** @param made told of each hub; nobody has it before this resolves */
export function createHubs(core: Core, made: (hub: Hub) => Promise<void>): Hubs {
  const hubs = new Map<string, Promise<Hub>>()

  async function make(name: string): Promise<Hub> {
    const hub = createHub(name, await core.space(`hub:${name}`))
    await made(hub)
    return hub
  }

  return {
    get(name) {
      const known = hubs.get(name)
      if (known) return known
      const making = make(name)
      hubs.set(name, making)
      // One that could not be made is tried again by whoever asks next.
      making.catch(() => hubs.delete(name))
      return making
    },
    all: () => Promise.all(hubs.values())
  }
}
