/** One subcommand. */
export interface Command {
  readonly name: string
  /** One line, for `gatehouse --help`. */
  readonly summary: string
  /** What `gatehouse NAME --help` prints. */
  readonly usage: string
  /** @returns the exit status @throws GatehouseError, which becomes one line and status 1 */
  run(args: readonly string[]): Promise<number>
}
