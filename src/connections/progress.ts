import type { Progress } from '@modelcontextprotocol/client'
import type { ToolProgress } from './types.ts'

const MAX_MESSAGE = 500

/** What a server says of its progress, bounded. */
export function progressOf({ progress, total, message }: Progress): ToolProgress {
  return {
    progress,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE) }),
  }
}
