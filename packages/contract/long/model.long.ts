// Random sequences of what clients and time can do, against a small model of what must be delivered.
import { suite } from 'uvu'
import { checkModel } from './model-commands.ts'
import { announceSeed, shareOf } from './share.ts'

const RUNS = 500
const STEPS = 40

const model = suite('long model')

model(`${shareOf(RUNS)} sequences deliver what the standard promises`, async () => {
  const { seed } = announceSeed('model')
  await checkModel({ runs: shareOf(RUNS), seed, steps: STEPS })
})

model.run()
