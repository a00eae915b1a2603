import type { Message, Origin, Published, RetainedMessage } from './message.ts'
import type { Session, SessionEvent } from './session/session.ts'

/** Sees every publish of a space in order, before its publisher is answered, and every session event. */
export type SpaceListener = {
  published?(published: Published): void
  session?(event: SessionEvent): void
}

/** Where topics, sessions and retained messages live together: one broker over one part of the store. */
export interface Space {
  readonly name: string

  /**
   * Stores a message and hands it to its subscribers; resolves when both are done. The sequence number
   * is the one listeners saw.
   *
   * A retained message with an empty payload removes the one kept. No provider's limit is checked.
   * @throws CoreError 'topic-invalid' (standard's rules, 100 levels), 'store-failed', 'store-timeout', 'closed'
   */
  publish(message: Message, origin?: Origin): Promise<{ sequence: number }>

  readonly retained: {
    /** The message kept under exactly this topic; expired ones are not there. Remaining expiry is filled in. */
    get(topic: string): Promise<RetainedMessage | undefined>
    /**
     * Messages matching `filter` (absent: all, `$…` too), by topic in UTF-8 order, starting behind `after`.
     * Costs what the filter's literal prefix covers. `next` is the last topic when there may be more.
     */
    list(query: {
      filter?: string
      after?: string
      limit: number
    }): Promise<{ messages: RetainedMessage[]; next?: string }>
  }

  /** Connected sessions of one personality, or of all. */
  sessions(personality?: string): Session[]
  session(personality: string, clientId: string): Session | undefined
  /** Calls the listener synchronously; the returned function ends it. Listeners must not throw. */
  listen(listener: SpaceListener): () => void
}
