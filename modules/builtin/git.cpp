#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/git_checkout.hpp"
#include "modules/sdk/text.hpp"

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "repo",
     .required = true,
     .aliases = "name",
     .doc = "Address of the repository, or its path on the host."},
    {.name = "dest",
     .type = ArgType::path,
     .doc = "Absolute path of the checkout; may be absent only with `clone: false`."},
    {.name = "version",
     .fallback = "HEAD",
     .doc = "Branch, tag or commit to check out; `HEAD` is the remote's default branch."},
    {.name = "remote", .fallback = "origin", .doc = "Name of the remote."},
    {.name = "refspec", .doc = "One more refspec to fetch, such as `refs/meta/config`."},
    {.name = "reference", .doc = "A repository on the host to borrow objects from."},
    {.name = "force",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether changes in the checkout are dropped; otherwise they are a failure."},
    {.name = "depth", .type = ArgType::integer, .doc = "How many commits of history to fetch."},
    {.name = "clone",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether a checkout that is not there is made."},
    {.name = "update",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether a checkout that is there is brought up to date."},
    {.name = "verify_commit",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the commit or tag must bear a good GPG signature."},
    {.name = "gpg_whitelist",
     .type = ArgType::list,
     .elements = ArgType::string,
     .doc = "Fingerprints of the keys whose signature counts.",
     .empty_fallback = true},
    {.name = "accept_hostkey",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether ssh takes any host key."},
    {.name = "accept_newhostkey",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether ssh takes the key of a host it does not know, but no changed one."},
    {.name = "key_file", .type = ArgType::path, .doc = "Private ssh key on the host."},
    {.name = "ssh_opts", .doc = "Options for ssh."},
    {.name = "executable", .type = ArgType::path, .doc = "The git to use."},
    {.name = "bare",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether the repository has no working tree."},
    {.name = "recursive",
     .type = ArgType::boolean,
     .fallback = "true",
     .doc = "Whether submodules are checked out, too."},
    {.name = "single_branch",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether only the history of `version` is cloned."},
    {.name = "track_submodules",
     .type = ArgType::boolean,
     .fallback = "false",
     .doc = "Whether submodules follow their branch in place of the commit recorded."},
    {.name = "umask", .type = ArgType::raw, .doc = "Umask for what git writes, as octal text."},
    {.name = "archive",
     .type = ArgType::path,
     .doc = "File to pack the tree into; its end says how: .tar, .tar.gz, .tgz or .zip."},
    {.name = "archive_prefix", .doc = "Put before each path in the archive."},
    {.name = "separate_git_dir",
     .type = ArgType::path,
     .doc = "Where the repository's data is kept, apart from the working tree."},
};

constexpr ArgRule kRules[] = {
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "separate_git_dir,bare"},
    {.kind = ArgRule::Kind::mutually_exclusive, .names = "accept_hostkey,accept_newhostkey"},
    {.kind = ArgRule::Kind::required_by, .names = "archive", .when = "archive_prefix"},
};

constexpr Example kExamples[] = {
    {.title = "A release of CUDA's samples",
     .yaml = "git:\n  repo: https://github.com/NVIDIA/cuda-samples.git\n  dest: "
             "/opt/cuda-samples\n  version: v12.5\n  depth: 1"},
    {.title = "With a deploy key",
     .yaml = "git:\n  repo: git@git.example.com:edge/models.git\n  dest: /srv/models\n  key_file: "
             "/etc/ssh/deploy_key\n  accept_newhostkey: true"},
    {.title = "Clone once, then leave it alone",
     .yaml = "git:\n  repo: https://git.example.com/tools.git\n  dest: /opt/tools\n  update: "
             "false"},
};

constexpr ResultKey kResults[] = {
    {"before", "The commit that was checked out; null for a new checkout."},
    {"after", "The commit that is."},
    {"remote_url_changed", "Whether the remote got another address."},
    {"submodules_changed", "Whether submodules changed."},
    {"git_dir_before", "Where the repository's data was."},
    {"git_dir_now", "Where it is now."},
    {"warnings", "What git on this host is too old for."},
};

Result<void> check_names(const Args& args) {
  for (const char* name : {"version", "remote", "refspec"}) {
    if (!args.text(name).starts_with('-')) continue;
    return Error(ErrorCode::invalid_argument,
                 "expected a name for " + std::string(name) + ", found the option '" +
                     args.text(name) + "'");
  }
  if (!args.has("dest") && args.boolean("clone")) {
    return Error(ErrorCode::missing_argument,
                 "the destination directory must be specified unless clone=no");
  }
  return {};
}

/// Where the checkout is and whether there is one.
struct Situation {
  std::string folder;  ///< with the repository's data
  bool is_there = false;
  bool moves = false;  ///< the data belongs to separate_git_dir
  std::string wanted_folder;
};

Result<Situation> look(const Args& args, const SystemView& view, const GitClient& git) {
  Situation out;
  if (git.dest().empty()) return out;
  GS_TRY(out.folder, git.git_folder(args.boolean("bare")));
  if (args.has("separate_git_dir")) {
    GS_TRY(out.wanted_folder, view.real_path(args.text("separate_git_dir")));
    GS_TRY(const bool there, path_exists(view, out.folder));
    out.moves = there && out.wanted_folder != out.folder;
  }
  GS_TRY(out.is_there, path_exists(view, join_path(out.folder, "config")));
  return out;
}

void set_difference(Value& result, const std::string& text) {
  result.set("diff", Value::map({{"prepared", text}}));
}

Result<void> refuse_local_changes(const GitClient& git, const Args& args) {
  if (args.boolean("force")) return {};
  return Error(ErrorCode::module_failed,
               "Local modifications exist in the destination: " + git.dest() + " (force=no).");
}

/// The result for a checkout that is not there and is not going to be made now.
Result<Plan> describe_missing(const Args& args, const SystemView& view, const GitClient& git) {
  // Ansible calls this a change even with clone: false, when none follows.
  Plan plan = Plan::change();
  plan.set("before", Value());
  GS_TRY(std::string commit, git.remote_commit(git.repository(), args.text("version")));
  if (view.diff_mode()) set_difference(plan.result, ">> Newly checked out " + commit);
  plan.set("after", std::move(commit));
  return plan;
}

/// Whether the archive would be made anew; one that is there is compared in a real run only.
Result<bool> lacks_archive(const Args& args, const SystemView& view) {
  if (!args.has("archive")) return false;
  GS_TRY(const bool there, path_exists(view, args.text("archive")));
  return !there;
}

/// What an update would change, by the remote's word.
Result<Plan> foresee_update(const Args& args, const SystemView& view, const GitClient& git) {
  const std::string remote = args.text("remote");
  const bool bare = args.boolean("bare");
  Plan plan = Plan::none();
  GS_TRY(const bool has_changes, bare ? Result<bool>(false) : git.has_local_changes());
  if (has_changes) GS_TRY_VOID(refuse_local_changes(git, args));
  GS_TRY(const std::string before, git.revision("HEAD"));
  GS_TRY(const bool moved, git.remote_differs(remote));
  std::string version = args.text("version");
  if (version == "HEAD") {
    GS_TRY(version, git.head_branch(remote, bare));
  }
  GS_TRY(std::string after, git.remote_commit(moved ? git.repository() : remote, version));
  if (after == version) {
    // Neither branch nor tag: a commit, which may be here already.
    GS_TRY(const std::string known, git.known_commit(version));
    if (!known.empty()) after = known;
  }
  GS_TRY(const bool packs, lacks_archive(args, view));
  plan.changed = before != after || moved || has_changes || packs;
  plan.set("before", before).set("after", after).set("remote_url_changed", moved);
  if (view.diff_mode() && before != after) {
    GS_TRY(const std::string text, git.difference(before, after));
    set_difference(plan.result, text);
  }
  return plan;
}

Result<Plan> leave_as_it_is(const Args& args, const GitClient& git) {
  Plan plan = Plan::none();
  GS_TRY(const std::string commit, git.revision("HEAD"));
  plan.set("before", commit).set("after", commit);
  plan.changed = args.has("archive");
  return plan;
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY_VOID(check_names(args));
  Value warnings{Map()};
  GS_TRY(const GitClient git, GitClient::open(args, view, warnings));
  GS_TRY(const Situation now, look(args, view, git));
  if (args.has("archive")) GS_TRY_VOID(archive_format(args.text("archive")));
  Plan plan;
  if (!now.is_there && (view.check_mode() || !args.boolean("clone"))) {
    GS_TRY(plan, describe_missing(args, view, git));
  } else if (view.check_mode()) {
    GS_TRY(plan,
           args.boolean("update") ? foresee_update(args, view, git) : leave_as_it_is(args, git));
    plan.changed = plan.changed || now.moves;
  } else {
    plan = Plan::change();
    plan.state = args.values();
  }
  if (const Value* list = warnings.find("warnings")) plan.set("warnings", *list);
  return plan;
}

/// Brings a checkout that is there up to date. @return whether its files or its remote changed
Result<bool> update(const Args& args, GitCheckout& checkout, const GitClient& git, Value& result) {
  bool has_changes = false;
  if (!args.boolean("bare")) {
    GS_TRY(has_changes, git.has_local_changes());
  }
  if (has_changes) {
    GS_TRY_VOID(refuse_local_changes(git, args));
    GS_TRY_VOID(checkout.reset());
    result.set("msg", "Local modifications exist in the destination: " + git.dest());
  }
  GS_TRY(const bool moved, checkout.set_remote());
  result.set("remote_url_changed", moved);
  GS_TRY_VOID(checkout.fetch());
  return has_changes || moved;
}

Result<void> bring_up_to_date(const Args& args,
                              System& system,
                              const GitClient& git,
                              GitCheckout& checkout,
                              const Situation& now,
                              Outcome& outcome) {
  std::string before;
  if (now.is_there) {
    GS_TRY(before, git.revision("HEAD"));
    outcome.result.set("before", before);
    GS_TRY(const bool changed, update(args, checkout, git, outcome.result));
    outcome.changed = outcome.changed || changed;
  } else {
    GS_TRY_VOID(checkout.clone());
  }
  if (!args.boolean("bare")) {
    GS_TRY_VOID(checkout.switch_version());
    if (args.boolean("recursive", true)) {
      GS_TRY(const bool changed, checkout.update_submodules());
      if (changed) outcome.result.set("submodules_changed", true);
      outcome.changed = outcome.changed || changed;
    }
  }
  GS_TRY(const std::string after, git.revision("HEAD"));
  outcome.result.set("after", after);
  if (before == after) return {};
  outcome.changed = true;
  if (!system.diff_mode()) return {};
  std::string text = ">> Newly checked out " + after;
  if (!before.empty()) {
    GS_TRY(text, git.difference(before, after));
  }
  set_difference(outcome.result, text);
  return {};
}

Result<Outcome> apply(const Plan& plan, System& system) {
  if (plan.state.is_null()) return apply_steps(plan, system);
  const Args args(plan.state);
  Outcome outcome{.changed = false, .failed = false, .result = plan.result};
  outcome.result.set("before", Value());
  Value ignored{Map()};  // the plan has told these warnings
  GS_TRY(const GitClient git, GitClient::open(args, system, ignored));
  GS_TRY(const Situation now, look(args, system, git));
  GitCheckout checkout(args, git, system, outcome.result);
  if (now.moves) {
    GS_TRY_VOID(checkout.relocate(now.folder, now.wanted_folder));
    outcome.changed = true;
  }
  if (now.is_there && !args.boolean("update")) {
    GS_TRY(const std::string commit, git.revision("HEAD"));
    outcome.result.set("before", commit);
    outcome.result.set("after", commit);
  } else {
    GS_TRY_VOID(bring_up_to_date(args, system, git, checkout, now, outcome));
  }
  if (args.has("archive")) {
    GS_TRY(const bool changed, checkout.make_archive());
    outcome.changed = outcome.changed || changed;
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec git_module;
const ModuleSpec git_module{.name = "git",
                            .summary = "Clone a git repository and keep the checkout up to date.",
                            .args = kArgs,
                            .rules = kRules,
                            .examples = kExamples,
                            .results = kResults,
                            .queries = kGitQueries,
                            .has_diff = true,
                            .plan = plan,
                            .apply = apply};

}  // namespace gpustack::modules
