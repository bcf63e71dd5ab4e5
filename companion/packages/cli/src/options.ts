import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { CliError } from './cli-error.ts'

/** node:util's parseArgs, strict, without positional arguments. @throws CliError `usage` */
export function parseOptions<T extends ParseArgsOptionsConfig>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (cause) {
    throw new CliError('usage', cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), {
      cause,
    })
  }
}

/** @throws CliError `usage` naming the option */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new CliError('usage', `--${name} is missing`)
  return value
}

/** `--data`, else `${XDG_DATA_HOME:-~/.local/share}/gatehouse` (XDG Base Directory Specification). */
export function dataFolder(option: string | undefined): string {
  if (option !== undefined && option !== '') return resolve(option)
  const home = process.env['XDG_DATA_HOME']
  // The specification says to ignore a relative path.
  return join(home?.startsWith('/') === true ? home : join(homedir(), '.local', 'share'), 'gatehouse')
}
