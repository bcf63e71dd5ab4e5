/** Cedar schema that the kit's policies and a server's own are both checked against; decide/README.md explains it. */
export const SCHEMA = `
entity Group;
entity User in [Group] { client: String, surface: String, channel?: String };
entity Workload;
entity Server;
entity Tool {
  name: String,
  recorded: Bool,
  effect: String,
  everyone: Bool,
  groups: Set<Group>,
  policyEveryone: Bool,
  policyGroups: Set<Group>,
  policySurfaces: Set<String>,
};
entity Prompt {
  name: String,
  recorded: Bool,
  everyone: Bool,
  groups: Set<Group>,
  policyEveryone: Bool,
  policyGroups: Set<Group>,
  policySurfaces: Set<String>,
};
entity McpResource {
  name: String,
  recorded: Bool,
  everyone: Bool,
  groups: Set<Group>,
  policyEveryone: Bool,
  policyGroups: Set<Group>,
  policySurfaces: Set<String>,
};
entity Resource { kind: String, name: String };
action "list", "call", "read" appliesTo {
  principal: [User, Workload],
  resource: [Server, Tool, Prompt, McpResource, Resource],
  context: { status: String, groups: Set<Group>, surfaces: Set<String>, channels: Set<String> },
};
`

/**
 * The kit's own policies, by id; `context` is the server's signed record. The permits are wide, and the forbids say what the record and the
 * tool's policy demand: a forbid wins over every permit, so a server's own text can narrow what is here and never widen it. Nothing here
 * permits a `Resource` to a user: that is for the server's own text alone.
 */
export const BASE: Readonly<Record<string, string>> = {
  'user-server': `permit (principal is User, action, resource is Server);`,
  'user-tool': `permit (principal is User, action in [Action::"list", Action::"call"], resource is Tool);`,
  'user-prompt': `permit (principal is User, action in [Action::"list", Action::"read"], resource is Prompt);`,
  'user-resource': `permit (principal is User, action in [Action::"list", Action::"read"], resource is McpResource);`,
  'workload-list': `permit (principal is Workload, action == Action::"list", resource);`,

  'server-listed': `forbid (principal, action, resource) unless { context.status == "listed" };`,
  'server-groups': `forbid (principal is User, action, resource) unless { principal in context.groups };`,
  'server-surface': `forbid (principal is User, action, resource) unless { context.surfaces.contains(principal.surface) };`,
  'server-channel': `forbid (principal is User, action, resource)
    when { principal has channel && !context.channels.isEmpty() && !context.channels.contains(principal.channel) };`,

  ...offered('tool', 'Tool'),
  ...offered('prompt', 'Prompt'),
  ...offered('resource', 'McpResource'),

  'workload-write': `forbid (principal is Workload, action == Action::"call", resource is Tool) unless { resource.effect == "read" };`,
}

/** What the record and the author's policy demand of each thing that a server offers, under ids that name its kind. */
function offered(kind: string, type: string): Record<string, string> {
  const user = `forbid (principal is User, action, resource is ${type})`
  return {
    [`${kind}-recorded`]: `forbid (principal, action, resource is ${type}) unless { resource.recorded };`,
    [`${kind}-groups`]: `${user} unless { resource.everyone || principal in resource.groups };`,
    [`${kind}-policy-groups`]: `${user} unless { resource.policyEveryone || principal in resource.policyGroups };`,
    [`${kind}-policy-surface`]: `${user} unless { resource.policySurfaces.contains(principal.surface) };`,
  }
}
