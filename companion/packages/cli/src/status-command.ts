import { ServerId } from '@gatehouse/contracts'
import { z } from 'zod'
import { CliError } from './cli-error.ts'
import type { Command } from './command.ts'
import { jsonRequest, requestJson } from './http.ts'
import { dataFolder, parseOptions, required } from './options.ts'
import { findRunningStack, requestToken, requireLocalRegistry } from './running-stack.ts'

const Status = z.object({ id: z.string(), status: z.string() })

export const suspendCommand = statusCommand('suspend', 'make a server uncallable at once')
export const reinstateCommand = statusCommand('reinstate', 'lift the suspension of a server')

/** `POST /gatehouse/v1/servers/ID/suspend` or `/reinstate`, as someone in the group registry-admins. */
function statusCommand(name: 'suspend' | 'reinstate', summary: string): Command {
  return {
    name,
    summary,
    usage: `gatehouse ${name} --server S --reason TEXT [--user NAME] [--data DIR]

${summary[0]?.toUpperCase()}${summary.slice(1)}: within the life of its signed record for who holds one.

  --reason TEXT  kept in the audit
  --user NAME    a registry admin (default ines)`,
    async run(args) {
      const options = parseOptions(args, {
        server: { type: 'string' },
        reason: { type: 'string' },
        user: { type: 'string', default: 'ines' },
        data: { type: 'string' },
      })
      const server = required('server', options.server)
      if (!ServerId.safeParse(server).success)
        throw new CliError('usage', `--server: ${JSON.stringify(server)} is no server id`)
      const reason = required('reason', options.reason)
      const stack = await findRunningStack(dataFolder(options.data))
      await requireLocalRegistry(stack)
      const token = await requestToken(stack, { user: options.user, resource: stack.registry })
      const address = `${stack.registry}/gatehouse/v1/servers/${server}/${name}`
      const { id, status } = await requestJson(Status, address, jsonRequest('POST', token, { reason }))
      console.log(`${id} is ${status}`)
      return 0
    },
  }
}
