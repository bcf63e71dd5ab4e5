/** Child side of the bench: tells where it listens, and what processor time it has used whenever it is asked. Ends with its parent. */
export function serveParent(hello: Record<string, unknown>): void {
  process.on('message', (message) => {
    if (message === 'usage') process.send?.(process.cpuUsage())
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.(hello)
}

export function toolCount(): number {
  return Number(process.argv[2])
}
