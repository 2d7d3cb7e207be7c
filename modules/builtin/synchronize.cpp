#include "core/base/msgpack.hpp"
#include "modules/builtin/support/sync_list.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr DocText kOwnConnection = "No effect: files travel over the connection of the tasks.";

constexpr ArgSpec kArgs[] = {
    {.name = "src",
     .required = true,
     .doc = "File or folder of the sending side; with a slash at its end what is in the folder."},
    {.name = "dest",
     .required = true,
     .doc = "Where it goes on the other side. The last folder of it is made when it is missing."},
    {.name = "mode",
     .fallback = "push",
     .choices = "pull,push",
     .doc = "`push` sends from the controller to the host, `pull` the other way. A task that is "
            "delegated to its own host copies there."},
    {.name = "archive",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "What recursive, links, perms, times, owner and group are unless they are written."},
    {.name = "recursive", .type = ArgType::boolean, .doc = "Go into folders."},
    {.name = "links", .type = ArgType::boolean, .doc = "Copy links as links."},
    {.name = "perms", .type = ArgType::boolean, .doc = "Keep modes."},
    {.name = "times",
     .type = ArgType::boolean,
     .doc = "Keep modification times; without them all files are sent again the next time."},
    {.name = "owner",
     .type = ArgType::boolean,
     .doc = "Keep owners, by name where both sides know it; only root can."},
    {.name = "group", .type = ArgType::boolean, .doc = "Keep groups; only root does."},
    {.name = "copy_links",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Copy what links point to."},
    {.name = "checksum",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Compare contents, in place of sizes and times."},
    {.name = "delete",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove what only the destination has, unless it is excluded."},
    {.name = "existing_only",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Make nothing new."},
    {.name = "dirs",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Send folders without what is in them, with `recursive: false`."},
    {.name = "rsync_opts",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "--exclude and --include with their patterns; other options are refused.",
     .empty_fallback = true},
    {.name = "compress",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "No effect: what travels is packed where that pays."},
    {.name = "delay_updates",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Each file is put in place as a whole in any case. As Ansible's it makes rules in "
            ".rsync-filter count, which are refused."},
    {.name = "partial",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "No effect: nothing is left of a file that did not arrive."},
    {.name = "dest_port",
     .type = ArgType::integer,
     .doc = "The port of the connection of the tasks; another one is refused."},
    {.name = "private_key", .type = ArgType::path, .doc = kOwnConnection},
    {.name = "set_remote_user", .type = ArgType::boolean, .fallback = "yes", .doc = kOwnConnection},
    {.name = "use_ssh_args", .type = ArgType::boolean, .fallback = "no", .doc = kOwnConnection},
    {.name = "ssh_connection_multiplexing",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = kOwnConnection},
    {.name = "verify_host",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "No effect: the host's key was checked when the connection was made."},
    {.name = "rsync_timeout",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "The keyword `timeout` limits a task.",
     .refused = "no rsync is run; the keyword 'timeout' limits a task"},
    {.name = "rsync_path",
     .doc = "Another user's files are a matter of `become`.",
     .refused = "no rsync is run; 'become' is the way to another user's files"},
    {.name = "ssh_args",
     .doc = "Options for ssh belong to the connection: `ansible_ssh_args`.",
     .refused =
         "files travel over the connection of the tasks; 'ansible_ssh_args' has its options"},
    {.name = "link_dest",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Hard links to a third folder.",
     .refused = "hard links to files of a third folder are not made"},
    {.name = "_list",
     .type = ArgType::raw,
     .doc = "Set by the controller: the files of the sending side."},
    {.name = "_contents",
     .type = ArgType::raw,
     .doc = "Set by the controller: contents by the number of the file."},
    {.name = "_lists",
     .type = ArgType::boolean,
     .doc = "Set by the controller: tell what src holds."},
    {.name = "_sends",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Set by the controller: send these files."},
    {.name = "_here",
     .type = ArgType::boolean,
     .doc = "Set by the controller: both sides are this host."},
};
constexpr Example kExamples[] = {
    {.title = "A folder as it is on the controller, without its caches",
     .yaml = "synchronize:\n  src: site/\n  dest: /srv/site\n  delete: true\n  rsync_opts: "
             "[\"--exclude=.cache\"]"},
    {.title = "Logs of each host",
     .yaml = "synchronize:\n  mode: pull\n  src: /var/log/jobs/\n  dest: logs/{{ "
             "inventory_hostname }}/\n  perms: false\n  owner: false\n  group: false"},
    {.title = "From one place of the host to another",
     .yaml = "synchronize:\n  src: /opt/release/\n  dest: /srv/app/\n  checksum: "
             "true\ndelegate_to: \"{{ inventory_hostname }}\""},
};
constexpr ResultKey kResults[] = {
    {"stdout_lines", "What changes, as rsync itemizes it: `<f.st...... name`."},
    {"msg", "The same as one text."},
    {"rc", "0."},
};

/// `~` of the side that the path is on.
std::string own_path(const SystemView& view, const std::string& path) {
  return path.starts_with('~') ? expand_path(view, path) : path;
}

/// The sending side's part of a pull: the files one behind the other.
Result<Plan> send(const Args& args, const SystemView& view) {
  List hashes;
  for (const std::string& path : args.texts("_sends")) {
    GS_TRY(const Digests digests, view.send_file(path));
    hashes.push_back(Value(digests.sha256));
  }
  Plan plan;
  plan.set("_hashes", Value(std::move(hashes)));
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  if (args.has("_sends")) return send(args, view);
  GS_TRY(const SyncRules rules, SyncRules::of(args));
  if (args.boolean("_lists")) {
    GS_TRY(const auto entries, list_source(view, own_path(view, args.text("src")), rules));
    Plan plan;
    plan.set("_list", sync_value(entries));
    return plan;
  }
  Value own = args.values();
  own.set("dest", own_path(view, args.text("dest")));
  const Args changed(std::move(own));
  if (args.boolean("_here")) {
    GS_TRY(auto entries, list_source(view, own_path(view, args.text("src")), rules));
    return plan_receive(changed, view, rules, std::move(entries));
  }
  if (!args.has("_list"))
    return Error(ErrorCode::content_missing, "the list of the files to synchronize did not arrive");
  GS_TRY(const Content list, Content::from_value(args.get("_list")));
  GS_TRY(const std::string text, view.content(list));
  GS_TRY(const Value files, parse_msgpack(text));
  GS_TRY(auto entries, sync_entries(files));
  return plan_receive(changed, view, rules, std::move(entries));
}

}  // namespace

extern const ModuleSpec synchronize_module;
const ModuleSpec synchronize_module{
    .name = "synchronize",
    .collection = "ansible.posix",
    .summary = "Make a folder of one side as it is on the other, sending what differs.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .place = Place::both,
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
