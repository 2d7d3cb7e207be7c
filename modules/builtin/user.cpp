#include "modules/builtin/support/home_folder.hpp"
#include "modules/builtin/support/user_commands.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "name", .required = true, .aliases = "user", .doc = "Name of the user."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the user is to exist."},
    {.name = "uid", .type = ArgType::integer, .doc = "The user's number."},
    {.name = "non_unique",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the number may be taken already."},
    {.name = "group", .doc = "Primary group, by name or number; it must exist."},
    {.name = "groups",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Supplementary groups; an empty list removes the user from all unless `append`."},
    {.name = "append",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether `groups` add to those the user is in."},
    {.name = "comment", .doc = "The full name (GECOS field)."},
    {.name = "home", .type = ArgType::path, .doc = "The home folder."},
    {.name = "create_home",
     .type = ArgType::boolean,
     .fallback = "true",
     .aliases = "createhome",
     .doc = "Whether a home folder that is not there is made."},
    {.name = "move_home",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the content moves when `home` changes."},
    {.name = "skeleton", .doc = "Folder that a new home starts as a copy of; needs `create_home`."},
    {.name = "umask", .doc = "Umask for a new home, as text; not with `local`."},
    {.name = "shell", .doc = "The login shell."},
    {.name = "system",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether a new user gets a number of the system range."},
    {.name = "password",
     .is_secret = true,
     .doc = "The hash for /etc/shadow, as crypt(5) makes it; `!` or `*` for none."},
    {.name = "update_password",
     .fallback = "always",
     .choices = "always,on_create",
     .doc = "Whether the password of a user that is there is changed."},
    {.name = "password_lock",
     .type = ArgType::boolean,
     .doc = "Whether the password is locked (usermod -L) or unlocked (-U)."},
    {.name = "password_expire_max",
     .type = ArgType::integer,
     .doc = "Days after which a password must be changed."},
    {.name = "password_expire_min",
     .type = ArgType::integer,
     .doc = "Days before which a password must not be changed."},
    {.name = "password_expire_warn",
     .type = ArgType::integer,
     .doc = "Days of warning before a password must be changed."},
    {.name = "expires",
     .type = ArgType::real,
     .doc = "When the account ends, in seconds since 1970; negative means never."},
    {.name = "local",
     .type = ArgType::boolean,
     .doc =
         "Whether libuser's commands (`luseradd`) are used, for hosts with a central directory."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc =
         "With `absent`: remove a user who is logged in. With `generate_ssh_key`: replace a key."},
    {.name = "remove",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "With `absent`: remove home and mail spool too."},
    {.name = "generate_ssh_key",
     .type = ArgType::boolean,
     .doc = "Whether the user gets an ssh key pair; an old one stays unless `force`."},
    {.name = "ssh_key_type", .fallback = "rsa", .doc = "Type of the key, as ssh-keygen names it."},
    {.name = "ssh_key_bits",
     .type = ArgType::integer,
     .fallback = "0",
     .doc = "Bits of the key; 0 leaves it to ssh-keygen."},
    {.name = "ssh_key_file",
     .type = ArgType::path,
     .doc = "Private key, relative to the home; `.ssh/id_<type>` when absent."},
    {.name = "ssh_key_comment",
     .doc = "Comment of the key; `ansible-generated on <host>` when absent."},
    {.name = "ssh_key_passphrase",
     .is_secret = true,
     .doc = "Passphrase of the key; none when absent."},
    {.name = "seuser", .doc = "SELinux user that a new user is mapped to."},
    {.name = "hidden",
     .type = ArgType::boolean,
     .doc = "Whether the login window of macOS leaves the user out.",
     .refused = "Linux has no such thing"},
    {.name = "login_class", .doc = "Login class of a BSD.", .refused = "Linux has none"},
    {.name = "authorization", .doc = "Authorizations of Solaris.", .refused = "Linux has none"},
    {.name = "profile", .doc = "Profile of Solaris.", .refused = "Linux has none"},
    {.name = "role", .doc = "Role of Solaris.", .refused = "Linux has none"},
};
constexpr Example kExamples[] = {
    {.title = "Someone who may use the GPU",
     .yaml = "user:\n  name: alice\n  groups: [video, render]\n  append: true\n  shell: /bin/bash"},
    {.title = "A service account",
     .yaml = "user:\n  name: inference\n  system: true\n  create_home: false\n  home: "
             "/var/lib/inference\n  shell: /usr/sbin/nologin"},
    {.title = "Gone, with the home", .yaml = "user:\n  name: bob\n  state: absent\n  remove: true"},
};
constexpr ResultKey kResults[] = {
    {"name", "The user."},
    {"state", "What was asked for."},
    {"uid", "The user's number."},
    {"group", "Number of the primary group."},
    {"groups", "Groups asked for, with commas."},
    {"comment", "The full name."},
    {"home", "The home folder."},
    {"shell", "The login shell."},
    {"append", "What was asked for, for a user that was there."},
    {"move_home", "What was asked for, for a user that was there."},
    {"create_home", "What was asked for, for a new user."},
    {"system", "What was asked for, for a new user."},
    {"force", "What was asked for, for a removed user."},
    {"remove", "What was asked for, for a removed user."},
    {"ssh_key_file", "Path of the private key."},
    {"ssh_fingerprint", "Fingerprint of the key."},
    {"ssh_public_key", "The public key."},
    {"stdout", "Output of the commands."},
    {"stderr", "Errors of the commands."},
};

constexpr std::string_view kCommonFields = "name,state,home,create_home,skeleton,local";

std::string host_name(const SystemView& view) {
  const auto text = view.read("/proc/sys/kernel/hostname");
  return text ? std::string(trim(*text)) : std::string("localhost");
}

// crypt(5) hashes have the form $id$salt$hash; anything else is nearly always a password in clear
// text.
bool looks_hashed(const std::string& password) {
  if (password == "*" || password == "!" || password == "*************" || password.empty())
    return true;
  if (password.find_first_of(":*!") != std::string::npos) return false;
  const auto fields = split(password, '$');
  if (fields.size() < 3) return false;
  const std::string& hash = fields.back();
  for (const char c : hash) {
    const bool known = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '/' || c == '=';
    if (!known) return false;
  }
  const std::string& id = fields[1];
  return !(id == "1" && hash.size() != 22) && !(id == "5" && hash.size() != 43) &&
         !(id == "6" && hash.size() != 86);
}

Value to_value(const std::vector<std::vector<std::string>>& commands) {
  List out;
  for (const auto& command : commands) {
    List words;
    for (const std::string& word : command) words.push_back(Value(word));
    out.push_back(Value(std::move(words)));
  }
  return Value(std::move(out));
}

void merge(Value& into, const Value& from) {
  for (const auto& [key, value] : from.as_map()) into.set(key.as_string(), value);
}

// Notes for apply(): a key pair is made when there is none, or when an old one may go.
Result<void> plan_ssh_key(const Args& args,
                          const SystemView& view,
                          const std::string& home,
                          Plan& plan) {
  const std::string type = args.text("ssh_key_type");
  std::string file = args.text("ssh_key_file", ".ssh/id_" + type);
  if (!file.starts_with('/')) file = join_path(home, file);
  Value key = Value::map(
      {{"file", file},
       {"type", type},
       {"bits", args.integer("ssh_key_bits")},
       {"comment", args.text("ssh_key_comment", "ansible-generated on " + host_name(view))},
       {"passphrase", args.get("ssh_key_passphrase")},
       {"overwrites", args.boolean("force")}});
  GS_TRY(const auto old_private, view.lstat(file));
  GS_TRY(const auto old_public, view.lstat(file + ".pub"));
  const bool is_there = old_private || old_public;
  const bool makes = !is_there || args.boolean("force");
  key.set("makes", makes);
  if (is_there) {
    const std::string which =
        old_private ? "private file \"" + file : "public file \"" + file + ".pub";
    add_warning(plan.result,
                makes ? "Overwriting existing ssh key " + which + "\""
                      : "Found existing ssh key " + which +
                            "\", no force, so skipping ssh-keygen generation");
  }
  if (makes) {
    GS_TRY_VOID(required_program(view, "ssh-keygen"));
    plan.changed = true;
    plan.diff(Value::map({{"ssh_key_file", is_there ? Value(file) : Value()}}),
              Value::map({{"ssh_key_file", file}}));
  }
  plan.state.set("ssh_key", std::move(key));
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string name = args.text("name");
  const bool local = args.boolean("local");
  if (args.has("umask") && local)
    return Error(ErrorCode::argument_conflict, "'umask' can not be used with 'local'");
  Plan plan = Plan::none();
  plan.set("name", name).set("state", args.text("state"));
  plan.state = Value(Map());
  for (const std::string_view key : split_names(kCommonFields)) plan.state.set(key, args.get(key));
  if (args.has("password") && !looks_hashed(args.text("password"))) {
    add_warning(
        plan.result,
        "The input password appears not to have been hashed. The 'password' argument must be "
        "encrypted for this module to work properly.");
  }
  GS_TRY(const UserState state, user_state(view, name, local));
  if (args.text("state") == "absent") {
    if (!state.user) return plan;
    const UserChange change = remove_user(args);
    GS_TRY_VOID(required_program(view, change.commands.front().front()));
    plan.changed = true;
    plan.set("force", args.get("force")).set("remove", args.get("remove"));
    plan.state.set("commands", to_value(change.commands));
    plan.diff(change.before, change.after, "user " + name, "user " + name);
    return plan;
  }

  UserChange change;
  if (state.user) {
    GS_TRY(change, modify_user(args, view, state));
    plan.set("append", args.get("append")).set("move_home", args.get("move_home"));
    plan.set("uid", args.integer("uid", state.user->uid))
        .set("comment", args.text("comment", state.user->comment));
    plan.set("home", args.text("home", state.user->home))
        .set("shell", args.text("shell", state.user->shell));
    plan.set("group", static_cast<std::int64_t>(state.user->gid));
  } else {
    GS_TRY(change, create_user(args, view));
    plan.set("system", args.get("system")).set("create_home", args.get("create_home"));
  }
  for (const auto& command : change.commands) GS_TRY_VOID(required_program(view, command.front()));
  const UserChange ages = password_ages(args, state);
  change.commands.insert(change.commands.end(), ages.commands.begin(), ages.commands.end());
  merge(change.before, ages.before);
  merge(change.after, ages.after);
  if (args.has("password")) plan.set("password", "NOT_LOGGING_PASSWORD");
  if (args.has("groups")) plan.set("groups", join(args.texts("groups"), ","));

  const std::string home = args.text("home", state.user ? state.user->home : "/home/" + name);
  if (state.user && args.boolean("create_home", true)) {
    GS_TRY(const auto info, view.stat(home));
    if (!info && !(args.boolean("move_home") && change.after.find("home") != nullptr)) {
      plan.state.set("makes_home", true);
      change.before.set("home_exists", false);
      change.after.set("home_exists", true);
    }
  }
  plan.changed = !change.empty() || plan.state.find("makes_home") != nullptr;
  plan.state.set("commands", to_value(change.commands));
  if (change.password_hash)
    plan.state.set("password", Value(*change.password_hash).mark(Mark::secret));
  if (plan.changed) plan.diff(change.before, change.after, "user " + name, "user " + name);
  if (args.boolean("generate_ssh_key")) GS_TRY_VOID(plan_ssh_key(args, view, home, plan));
  return plan;
}

Result<std::optional<Outcome>> run_commands(const Plan& plan,
                                            System& system,
                                            const std::string& name,
                                            Value& result) {
  std::string output;
  std::string errors;
  std::vector<Command> commands;
  const Value& planned = plan.state.get("commands");
  if (planned.is_list()) {
    for (const Value& words : planned.as_list()) {
      Command command = parsable_command({});
      for (const Value& word : words.as_list()) command.argv.push_back(to_text(word));
      commands.push_back(std::move(command));
    }
  }
  if (const Value* hash = plan.state.find("password")) {
    Command command = parsable_command({"chpasswd", "-e"});
    command.input = name + ":" + to_text(*hash) + "\n";
    // The password comes before ages: it sets the day of the last change.
    const bool has_ages = !commands.empty() && commands.back().argv.front() == "chage";
    commands.insert(has_ages ? commands.end() - 1 : commands.end(), std::move(command));
  }
  for (const Command& command : commands) {
    GS_TRY(const CommandResult done, system.run(command));
    if (done.status != 0) {
      return std::optional<Outcome>(failed_outcome(
          done.errors.empty() ? done.output : done.errors, done, Value::map({{"name", name}})));
    }
    output += done.output;
    errors += done.errors;
  }
  if (!output.empty() || !errors.empty()) set_output(result, output, errors);
  return std::optional<Outcome>();
}

Result<std::optional<Outcome>> apply_ssh_key(const Value& key,
                                             System& system,
                                             Ownership owner,
                                             Value& result) {
  const std::string file = to_text(key.get("file"));
  if (key.get("makes").truthy()) {
    SshKeyRequest request{.file = file,
                          .type = to_text(key.get("type")),
                          .bits = key.get("bits").as_integer(),
                          .comment = to_text(key.get("comment")),
                          .passphrase = key.get("passphrase"),
                          .overwrites = key.get("overwrites").truthy()};
    GS_TRY(const CommandResult done, make_ssh_key(system, request, owner));
    if (done.status != 0) {
      return std::optional<Outcome>(
          failed_outcome(done.errors.empty() ? done.output : done.errors, done));
    }
  }
  GS_TRY(const CommandResult shown, system.run(parsable_command({"ssh-keygen", "-l", "-f", file})));
  result.set("ssh_fingerprint", trim(shown.status == 0 ? shown.output : shown.errors));
  result.set("ssh_key_file", file);
  const auto public_key = system.read(file + ".pub");
  result.set("ssh_public_key", public_key ? Value(trim(*public_key)) : Value());
  return std::optional<Outcome>();
}

Result<Outcome> apply(const Plan& plan, System& system) {
  Outcome outcome{.changed = plan.changed, .failed = false, .result = plan.result};
  const std::string name = to_text(plan.state.get("name"));
  const bool create_home = plan.state.get("create_home").truthy();
  const std::string skeleton =
      plan.state.get("skeleton").is_null() ? "/etc/skel" : to_text(plan.state.get("skeleton"));
  // useradd makes one level only, so missing parents are made first.
  std::string deep_home;
  if (plan.result.find("create_home") != nullptr && create_home &&
      !plan.state.get("home").is_null()) {
    const std::string home = to_text(plan.state.get("home"));
    GS_TRY(const auto parent, system.stat(parent_folder(home)));
    if (!parent) {
      deep_home = home;
      GS_TRY_VOID(make_home(system, home, skeleton, Ownership{}));
    }
  }
  GS_TRY(auto failed, run_commands(plan, system, name, outcome.result));
  if (failed) return std::move(*failed);
  if (to_text(plan.state.get("state")) == "absent") return outcome;

  GS_TRY(const auto now, present_user(system, name, plan.state.get("local").truthy()));
  if (!now) return failed_outcome("failed to look up user name: " + name, outcome.result);
  const Ownership owner{now->uid, now->gid};
  if (!deep_home.empty()) GS_TRY_VOID(give_tree(system, deep_home, owner));
  if (plan.state.get("makes_home").truthy()) {
    const Value& asked = plan.state.get("home");
    GS_TRY_VOID(make_home(system, asked.is_null() ? now->home : to_text(asked), skeleton, owner));
  }
  outcome.result.set("uid", static_cast<std::int64_t>(now->uid));
  outcome.result.set("group", static_cast<std::int64_t>(now->gid));
  outcome.result.set("comment", now->comment);
  outcome.result.set("home", now->home);
  outcome.result.set("shell", now->shell);
  if (const Value* key = plan.state.find("ssh_key")) {
    GS_TRY(auto key_failed, apply_ssh_key(*key, system, owner, outcome.result));
    if (key_failed) return std::move(*key_failed);
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec user_module;
const ModuleSpec user_module{.name = "user",
                             .summary = "Add, change or remove a user.",
                             .args = kArgs,
                             .examples = kExamples,
                             .results = kResults,
                             .queries = kAccountQueries,
                             .has_diff = true,
                             .plan = plan,
                             .apply = apply};

}  // namespace gpustack::modules
