/** A playbook that lays out a web server of Python as a unit, and takes it away again: what a service may be made by. */
export const SITE_PLAYBOOKS: [path: string, content: string][] = [
  ['api.yml', '- name: An API\n  hosts: all\n  gather_facts: false\n  roles: [api]\n'],
  [
    'roles/api/meta/argument_specs.yml',
    `argument_specs:
  main:
    short_description: An API
    options:
      api_state: {choices: [present, absent], default: present}
      api_port: {type: int, required: true}
      api_token: {no_log: true, required: true}
`,
  ],
  [
    'roles/api/tasks/main.yml',
    `- name: Lay it out
  ansible.builtin.include_tasks: present.yml
  when: api_state == "present"
- name: Take it away
  ansible.builtin.include_tasks: absent.yml
  when: api_state == "absent"
`,
  ],
  [
    'roles/api/tasks/present.yml',
    `- name: Make the folder
  ansible.builtin.file: {path: /srv/api, state: directory, mode: "0755"}
- name: Write the page
  ansible.builtin.copy: {content: "port {{ api_port }}", dest: /srv/api/index.html, mode: "0644"}
- name: Write the token
  ansible.builtin.copy: {content: "{{ api_token }}", dest: /srv/api/.token, mode: "0600"}
  no_log: true
- name: Write the unit
  ansible.builtin.template: {src: api.service.j2, dest: /etc/systemd/system/api.service, mode: "0644"}
  register: api_unit
- name: Start it
  ansible.builtin.systemd:
    name: api.service
    enabled: true
    daemon_reload: true
    state: "{{ 'restarted' if api_unit.changed else 'started' }}"
`,
  ],
  [
    'roles/api/tasks/absent.yml',
    `- name: Look for the unit
  ansible.builtin.stat: {path: /etc/systemd/system/api.service}
  register: api_unit
- name: Stop it
  ansible.builtin.systemd: {name: api.service, enabled: false, state: stopped}
  when: api_unit.stat.exists
- name: Remove its files
  ansible.builtin.file: {path: "{{ item }}", state: absent}
  loop: [/etc/systemd/system/api.service, /srv/api]
`,
  ],
  [
    'roles/api/templates/api.service.j2',
    `[Unit]
Description=An API
[Service]
ExecStart=/usr/bin/python3 -u -m http.server --directory /srv/api {{ api_port }}
[Install]
WantedBy=multi-user.target
`,
  ],
]

/** A file whose service is that playbook, on each of two hosts. */
export const toSiteFile = (port: number): string => `name: site
services:
  api:
    ports: ["${port}:${port}"]
    deploy: {replicas: 2}
    x-rollcall:
      playbook: site/api
      unit: api.service
      variables: {api_port: ${port}, api_token: canary-4711}
      checks: [{http: "/", port: ${port}, interval: 1s}, {process: python3, interval: 1s}]
`
