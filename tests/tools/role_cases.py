"""What real_roles.py runs: for each role its folder, the variables, tasks before it, and packages that stand for the outside's."""

SERVICE = "[Unit]\nDescription=stands for {0}\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"

SERVER = "[Unit]\nDescription=stands for the NFS server\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\nExecReload=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


def stand_in(name, service=False):
    return (name, {f"/lib/systemd/system/{name.removesuffix('-ce')}.service": SERVICE.format(name)} if service else {})


CASES = {
    "geerlingguy.docker": {
        "path": "geerlingguy.docker",
        "before": [{"group": {"name": "docker"}}],
        "packages": [stand_in("docker-ce", service=True), *map(stand_in, (
            "docker-ce-cli", "docker-ce-rootless-extras", "containerd.io", "docker-compose-plugin", "docker-buildx-plugin"))],
        "vars": {"docker_apt_gpg_key": "CONTENT/debian/gpg", "docker_apt_gpg_key_checksum": "sha256:KEY_DIGEST",
                 "docker_apt_repository": "deb [signed-by=/etc/apt/keyrings/docker.asc] CONTENT/debian ./",
                 "docker_users": ["deploy"],
                 "docker_daemon_options": {"log-driver": "journald", "log-opts": {"tag": "{{ inventory_hostname | length }}"}}},
    },
    "geerlingguy.ntp": {
        "path": "geerlingguy.ntp",
        "vars": {"ntp_timezone": "Europe/Berlin", "ntp_manage_config": True, "ntp_area": "de", "ntp_cron_handler_enabled": True},
    },
    "geerlingguy.nginx": {
        "path": "geerlingguy.nginx",
        "vars": {"nginx_remove_default_vhost": True,
                 "nginx_upstreams": [{"name": "app", "strategy": "least_conn", "keepalive": 16, "servers": ["127.0.0.1:9000", "127.0.0.1:9001 weight=3"]}],
                 "nginx_vhosts": [{"listen": "8081", "server_name": "example.test www.example.test", "root": "/var/www/example",
                                   "extra_parameters": "location /app {\n  proxy_pass http://app;\n}\n"},
                                  {"server_name": "old.test", "state": "absent"}]},
    },
    "geerlingguy.security": {
        "path": "geerlingguy.security",
        "vars": {"security_sudoers_passwordless": ["deploy"], "security_sudoers_passworded": ["backup"],
                 "security_autoupdate_blacklist": ["nginx", "redis*"], "security_autoupdate_mail_to": "root@localhost",
                 "security_ssh_allowed_users": ["deploy"]},
    },
    "geerlingguy.firewall": {
        "path": "geerlingguy.firewall",
        "vars": {"firewall_allowed_tcp_ports": ["22", "8081"], "firewall_allowed_udp_ports": ["123"],
                 "firewall_forwarded_tcp_ports": [{"src": "2222", "dest": "22"}],
                 "firewall_additional_rules": ["iptables -A INPUT -p tcp --dport 167 -s 10.88.0.1 -j ACCEPT"]},
    },
    "geerlingguy.redis": {
        "path": "geerlingguy.redis",
        "vars": {"redis_bind_interface": "127.0.0.1", "redis_requirepass": "secret", "redis_disabled_commands": ["FLUSHDB", "DEBUG"],
                 "redis_maxmemory": "64mb"},
    },
    "geerlingguy.nfs": {
        "path": "geerlingguy.nfs",
        # The server lives in the kernel, which is this machine's.
        "files": {"/etc/systemd/system/nfs-server.service": SERVER},
        "vars": {"nfs_exports": ["/srv/share    *(rw,sync,no_root_squash)", "/srv/public *(ro)"]},
    },
    "os_hardening": {
        "path": "ansible_collections/devsec/hardening",
        "role": "devsec.hardening.os_hardening",
        # The daemon talks to the kernel, which is this machine's.
        "files": {"/etc/systemd/system/auditd.service": SERVICE.format("auditd")},
        "vars": {"os_user_accounts_enabled": True, "os_auth_pam_passwdqc_enable": True},
    },
}
