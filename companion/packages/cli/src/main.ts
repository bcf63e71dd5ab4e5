#!/usr/bin/env node
import { GatehouseError } from '@gatehouse/contracts'
import { callCommand } from './call-command.ts'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { edgeAuditCommand } from './edge-audit-command.ts'
import { policyCommand } from './policy-command.ts'
import { registerCommand } from './register-command.ts'
import { renderCommand } from './render-command.ts'
import { reinstateCommand, suspendCommand } from './status-command.ts'
import { chatCommand } from './team-chat/chat-command.ts'
import { tokenCommand } from './token-command.ts'
import { upCommand } from './up-command.ts'
import { VERSION } from './version.ts'

const commands: readonly Command[] = [
  upCommand,
  tokenCommand,
  callCommand,
  chatCommand,
  suspendCommand,
  reinstateCommand,
  registerCommand,
  policyCommand,
  renderCommand,
  edgeAuditCommand,
]

const NEEDED_NODE = 24

function help(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`)
  return ['gatehouse COMMAND [OPTIONS]', '', ...lines, '', 'gatehouse COMMAND --help says more.'].join('\n')
}

async function run([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(help())
    return name === undefined ? 1 : 0
  }
  if (name === '--version') {
    console.log(VERSION)
    return 0
  }
  if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
    throw new CliError('node_too_old', `needs Node ${NEEDED_NODE} or newer; this is ${process.version}`)
  }
  const command = commands.find((known) => known.name === name)
  if (!command) throw new CliError('usage', `no command ${JSON.stringify(name)}; "gatehouse --help" lists them`)
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage)
    return 0
  }
  return command.run(args)
}

run(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    const known = error instanceof GatehouseError
    const message = error instanceof Error ? error.message : String(error)
    console.error(`gatehouse: ${message} (${known ? error.code : 'internal'})`)
    process.exit(1)
  },
)
