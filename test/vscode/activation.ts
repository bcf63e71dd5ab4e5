import assert from 'node:assert/strict'
import * as vscode from 'vscode'
import { verifies } from '../requirements.ts'

const extension = () => vscode.extensions.getExtension('gatehouse.gatehouse')

describe('Gatehouse in the extension host', () => {
  before(async () => {
    await extension()?.activate()
  })

  it('activates', () => {
    assert.equal(extension()?.isActive, true)
  })

  it('has every command that its manifest names', async () => {
    const manifest = extension()?.packageJSON as { contributes: { commands: { command: string }[] } }
    const known = new Set(await vscode.commands.getCommands(true))
    const missing = manifest.contributes.commands.map((entry) => entry.command).filter((command) => !known.has(command))
    assert.deepEqual(missing, [])
  })

  it('describes every setting', () => {
    const manifest = extension()?.packageJSON as {
      contributes: {
        configuration: { properties: Record<string, { markdownDescription?: string; description?: string }> }
      }
    }
    const properties = Object.entries(manifest.contributes.configuration.properties)
    assert.ok(properties.length > 0)
    for (const [name, property] of properties) assert.ok(property.markdownDescription ?? property.description, name)
  })

  it('offers an AuthenticationProvider, which has no session before sign-in and asks nobody silently', async () => {
    verifies('AUTH-4.1')
    const session = await vscode.authentication.getSession('gatehouse', [], { silent: true })
    assert.equal(session, undefined)
  })

  it('offers no tool before sign-in', () => {
    verifies('AUTH-8.2')
    const ours = vscode.lm.tools.filter((tool) => /presto/i.test(tool.name))
    assert.deepEqual(ours, [])
  })
})
