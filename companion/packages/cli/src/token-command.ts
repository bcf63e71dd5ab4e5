import type { Command } from './command.ts'
import { dataFolder, parseOptions, required } from './options.ts'
import { findRunningStack, requestToken } from './running-stack.ts'

const USAGE = `gatehouse token --user NAME --resource URL [--client ID] [--jkt THUMBPRINT] [--data DIR]

Prints an access token from the local identity provider, for curl and tests.

  --user NAME        one of the people that "gatehouse up" lists
  --resource URL     what the token is for: a server's URL, or the registry's
  --client ID        gatehouse-cli (default), gatehouse-vscode or gatehouse-team-chat
  --jkt THUMBPRINT   bind it to the key with this RFC 7638 thumbprint; all but gatehouse-cli need it`

export const tokenCommand: Command = {
  name: 'token',
  summary: 'print an access token of the local identity provider',
  usage: USAGE,
  async run(args) {
    const options = parseOptions(args, {
      user: { type: 'string' },
      resource: { type: 'string' },
      client: { type: 'string' },
      jkt: { type: 'string' },
      data: { type: 'string' },
    })
    const request = {
      user: required('user', options.user),
      resource: required('resource', options.resource),
      client: options.client,
      jkt: options.jkt,
    }
    const stack = await findRunningStack(dataFolder(options.data))
    console.log(await requestToken(stack, request))
    return 0
  },
}
