// For tests that start no suite of all personalities: loading this door loads none of them.
export { bundle, bundleOnce } from './bundle.ts'
export { logged } from './logged.ts'
export { listenToPackets, type Packet, type PacketClient } from './packets.ts'
export { createQueue, type Queue } from './queue.ts'
export { failureOf, rejects } from './rejects.ts'
export { mintToken } from './token.ts'
export { within } from './within.ts'
