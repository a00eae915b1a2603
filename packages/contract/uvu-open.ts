// Loaded into every test process: asked by a signal, it says what keeps the process from ending.
process.on('SIGUSR2', () => {
  console.error(`open: ${process.getActiveResourcesInfo().join(', ')}`)
})
