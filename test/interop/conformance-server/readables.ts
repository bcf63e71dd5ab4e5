import { definePrompt, defineResource, type MessageContent, type Offer } from '@gatehouse/kit'
import { z } from 'zod'
import { PNG } from './media.ts'

const says = (...contents: MessageContent[]) => ({
  messages: contents.map((content) => ({ role: 'user' as const, content })),
})
const text = (value: string): MessageContent => ({ type: 'text', text: value })
const empty = z.strictObject({})

/** See the suite's scenarios `prompts-*` and `completion-complete`. */
const prompts: readonly Offer[] = [
  definePrompt({
    name: 'test_simple_prompt',
    title: 'Simple',
    description: 'Without arguments',
    input: empty,
    policy: {},
    run: async () => says(text('This is a simple prompt for testing.')),
  }),
  definePrompt({
    name: 'test_prompt_with_arguments',
    title: 'With arguments',
    description: 'Says its arguments',
    input: z.strictObject({
      arg1: z.string().describe('First test argument'),
      arg2: z.string().describe('Second test argument'),
    }),
    policy: {},
    complete: { arg1: async (value) => ['paris', 'park', 'party', 'test'].filter((word) => word.startsWith(value)) },
    run: async ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  }),
  definePrompt({
    name: 'test_prompt_with_embedded_resource',
    title: 'With a resource',
    description: 'Embeds a resource',
    input: z.strictObject({ resourceUri: z.string().describe('URI of the resource to embed') }),
    policy: {},
    run: async ({ resourceUri }) =>
      says(
        {
          type: 'resource',
          resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
        text('Please process the embedded resource above.'),
      ),
  }),
  definePrompt({
    name: 'test_prompt_with_image',
    title: 'With an image',
    description: 'Holds an image',
    input: empty,
    policy: {},
    run: async () => says({ type: 'image', data: PNG, mimeType: 'image/png' }, text('Please analyze the image above.')),
  }),
]

/** See the suite's scenarios `resources-*`. */
const resources: readonly Offer[] = [
  defineResource({
    name: 'static-text',
    uri: 'test://static-text',
    title: 'Text',
    description: 'A text that does not change',
    mimeType: 'text/plain',
    policy: {},
    read: async () => ({ text: 'This is the content of the static text resource.' }),
  }),
  defineResource({
    name: 'static-binary',
    uri: 'test://static-binary',
    title: 'Image',
    description: 'An image that does not change',
    mimeType: 'image/png',
    policy: {},
    read: async () => ({ blob: PNG }),
  }),
  defineResource({
    name: 'watched-resource',
    uri: 'test://watched-resource',
    title: 'Watched',
    description: 'One to subscribe to',
    mimeType: 'text/plain',
    policy: {},
    read: async () => ({ text: 'watched' }),
  }),
  defineResource({
    name: 'template',
    uriTemplate: 'test://template/{id}/data',
    variables: z.strictObject({ id: z.string() }),
    title: 'Data',
    description: 'Data of an id',
    mimeType: 'application/json',
    policy: {},
    read: async ({ id }) => ({ text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) }),
  }),
]

export const readables: readonly Offer[] = [...prompts, ...resources]
