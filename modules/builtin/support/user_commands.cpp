#include "modules/builtin/support/user_commands.hpp"

#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace gpustack::modules {

namespace {

constexpr std::int64_t kDay = 86400;

std::int64_t days_of(double seconds) {
  return static_cast<std::int64_t>(std::floor(seconds)) / kDay;
}

std::string date_text(double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm broken{};
  gmtime_r(&time, &broken);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d", &broken);
  return text.data();
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::ranges::find(all, one) != all.end();
}

Error no_group(const std::string& name) {
  return Error(ErrorCode::module_failed, "Group " + name + " does not exist");
}

// The groups asked for, by name and once each; numbers become names.
Result<std::vector<std::string>> wanted_groups(const Args& args, const SystemView& view) {
  std::vector<std::string> out;
  for (const std::string& item : args.texts("groups")) {
    for (const std::string& part : split(item, ',')) {
      const std::string name(trim(part));
      if (name.empty()) continue;
      GS_TRY(const auto group, look_up_group(view, name));
      if (!group && view.check_mode()) {  // an earlier task would make it
        if (!contains(out, name)) out.push_back(name);
        continue;
      }
      if (!group) return no_group(name);
      if (!contains(out, group->name)) out.push_back(group->name);
    }
  }
  return out;
}

std::string join_names(const std::vector<std::string>& names) { return join(names, ","); }

class Arguments {
 public:
  explicit Arguments(std::string program) : words_{std::move(program)} {}
  Arguments& add(std::initializer_list<std::string> words) {
    words_.insert(words_.end(), words);
    return *this;
  }
  [[nodiscard]] bool has_options() const { return words_.size() > 1; }
  std::vector<std::string> finish(const std::string& name) {
    words_.push_back(name);
    return std::move(words_);
  }

 private:
  std::vector<std::string> words_;
};

void note(UserChange& change, std::string_view key, Value before, Value after) {
  change.before.set(key, std::move(before));
  change.after.set(key, std::move(after));
}

Result<void> modify_groups(const Args& args,
                           const SystemView& view,
                           const UserState& state,
                           Arguments& usermod,
                           UserChange& change,
                           std::vector<std::vector<std::string>>& local_commands) {
  if (!args.has("groups")) return {};
  const std::string name = args.text("name");
  const bool append = args.boolean("append");
  GS_TRY(const auto wanted, wanted_groups(args, view));
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  for (const std::string& group : wanted) {
    if (!contains(state.groups, group)) missing.push_back(group);
  }
  for (const std::string& group : state.groups) {
    if (!append && !contains(wanted, group)) extra.push_back(group);
  }
  if (missing.empty() && extra.empty()) return {};
  std::vector<std::string> after = append ? state.groups : wanted;
  if (append) after.insert(after.end(), missing.begin(), missing.end());
  note(change, "groups", join_names(state.groups), join_names(after));
  if (args.boolean("local")) {
    for (const std::string& group : missing)
      local_commands.push_back({"lgroupmod", "-M", name, group});
    for (const std::string& group : extra)
      local_commands.push_back({"lgroupmod", "-m", name, group});
    return {};
  }
  if (append) usermod.add({"-a"});
  usermod.add({"-G", join_names(wanted)});
  return {};
}

/// `expires`, by the command itself or, for local users, by one of its own.
void set_expiry(const Args& args,
                Arguments& command,
                std::vector<std::vector<std::string>>& local_commands) {
  const double seconds = args.real("expires");
  const bool never = seconds < 0;
  if (args.boolean("local")) {
    local_commands.push_back(
        {"lchage", "-E", never ? "-1" : std::to_string(days_of(seconds)), args.text("name")});
  } else {
    command.add({"-e", never ? std::string() : date_text(seconds)});
  }
}

void modify_expiry(const Args& args,
                   const UserState& state,
                   Arguments& usermod,
                   UserChange& change,
                   std::vector<std::vector<std::string>>& local_commands) {
  if (!args.has("expires")) return;
  const double seconds = args.real("expires");
  const std::int64_t current = state.expires.value_or(-1);
  const bool never = seconds < 0;
  if (never ? current < 0 : current >= 0 && current == days_of(seconds)) return;
  note(change,
       "expires",
       current < 0 ? Value("never") : Value(date_text(static_cast<double>(current * kDay))),
       never ? Value("never") : Value(date_text(seconds)));
  set_expiry(args, usermod, local_commands);
}

void modify_password(const Args& args,
                     const UserState& state,
                     Arguments& usermod,
                     UserChange& change) {
  const std::string_view current = state.password;
  const bool locked = current.starts_with('!');
  const bool wants_lock = args.has("password_lock") && args.boolean("password_lock");
  const bool wants_unlock = args.has("password_lock") && !args.boolean("password_lock");
  const std::string wanted = args.text("password");
  const bool sets = args.has("password") && args.text("update_password") == "always" &&
                    trim_left(current, "!") != trim_left(wanted, "!");
  if (sets) {
    change.password_hash = (wants_lock ? "!" : "") + wanted;
    note(change, "password", "the old one", wants_lock ? "a new one, locked" : "a new one");
    return;
  }
  if (wants_lock && !locked) {
    usermod.add({"-L"});
    note(change, "password", "unlocked", "locked");
  } else if (wants_unlock && locked) {
    usermod.add({"-U"});
    note(change, "password", "locked", "unlocked");
  }
}

Result<void> add_first_group(const Args& args, const SystemView& view, Arguments& useradd) {
  if (args.has("group")) {
    GS_TRY(const auto group, look_up_group(view, args.text("group")));
    if (!group && !view.check_mode()) return no_group(args.text("group"));
    useradd.add({"-g", args.text("group")});
    return {};
  }
  GS_TRY(const auto same_name, look_up_group(view, args.text("name")));
  // useradd refuses to make a group that is there already.
  if (same_name) useradd.add({args.boolean("local") ? "-n" : "-N"});
  return {};
}

void add_new_home(const Args& args, Arguments& useradd) {
  if (!args.boolean("create_home", true)) {
    useradd.add({"-M"});
    return;
  }
  if (!args.boolean("local")) useradd.add({"-m"});
  if (args.has("skeleton")) useradd.add({"-k", args.text("skeleton")});
  if (args.has("umask")) useradd.add({"-K", "UMASK=" + args.text("umask")});
}

}  // namespace

Result<std::optional<User>> present_user(const SystemView& view,
                                         const std::string& name,
                                         bool local) {
  return local ? find_user(view, name) : look_up_user(view, name);
}

Result<UserState> user_state(const SystemView& view, const std::string& name, bool local) {
  UserState state;
  GS_TRY(state.user, present_user(view, name, local));
  if (!state.user) return state;
  state.password = state.user->password;
  if (state.password.size() <= 1) state.password.clear();
  // Without root the shadow file cannot be read; the password then counts as unknown.
  if (const auto found = find_shadow(view, name); found && *found) {
    const Shadow& shadow = **found;
    if (state.user->password.size() <= 1) state.password = shadow.password;
    state.expires = shadow.expires;
    state.minimum = shadow.minimum;
    state.maximum = shadow.maximum;
    state.warning = shadow.warning;
  }
  GS_TRY(state.groups, groups_of(view, name));
  return state;
}

Result<UserChange> create_user(const Args& args, const SystemView& view) {
  UserChange change;
  const std::string name = args.text("name");
  const bool local = args.boolean("local");
  Arguments useradd(local ? "luseradd" : "useradd");
  std::vector<std::vector<std::string>> after;
  change.before.set("state", "absent");
  change.after.set("state", "present");
  const auto remember = [&](std::string_view key) {
    if (args.has(key)) change.after.set(key, args.get(key));
  };
  for (const std::string_view key : {"uid", "group", "groups", "comment", "home", "shell"})
    remember(key);

  if (args.has("uid")) {
    useradd.add({"-u", std::to_string(args.integer("uid"))});
    if (args.boolean("non_unique")) useradd.add({"-o"});
  }
  if (args.has("seuser")) useradd.add({"-Z", args.text("seuser")});
  GS_TRY_VOID(add_first_group(args, view, useradd));
  GS_TRY(const auto wanted, wanted_groups(args, view));
  if (!wanted.empty() && !local) useradd.add({"-G", join_names(wanted)});
  if (local) {
    for (const std::string& group : wanted) after.push_back({"lgroupmod", "-M", name, group});
  }
  if (args.has("comment")) useradd.add({"-c", args.text("comment")});
  if (args.has("home")) useradd.add({"-d", args.text("home")});
  if (args.has("shell")) useradd.add({"-s", args.text("shell")});
  if (args.has("expires")) set_expiry(args, useradd, after);
  add_new_home(args, useradd);
  if (args.boolean("system")) useradd.add({"-r"});
  change.commands.push_back(useradd.finish(name));
  change.commands.insert(change.commands.end(), after.begin(), after.end());
  if (args.has("password")) {
    change.password_hash = (args.boolean("password_lock") ? "!" : "") + args.text("password");
  }
  return change;
}

Result<UserChange> modify_user(const Args& args, const SystemView& view, const UserState& state) {
  UserChange change;
  const User& user = *state.user;
  Arguments usermod(args.boolean("local") ? "lusermod" : "usermod");
  std::vector<std::vector<std::string>> local_commands;
  if (args.has("uid") && args.integer("uid") != user.uid) {
    usermod.add({"-u", std::to_string(args.integer("uid"))});
    if (args.boolean("non_unique")) usermod.add({"-o"});
    note(change, "uid", static_cast<std::int64_t>(user.uid), args.integer("uid"));
  }
  if (args.has("group")) {
    GS_TRY(const auto group, look_up_group(view, args.text("group")));
    if (!group) return no_group(args.text("group"));
    if (group->gid != user.gid) {
      usermod.add({"-g", std::to_string(group->gid)});
      note(change, "group", group_name(view, user.gid), group->name);
    }
  }
  GS_TRY_VOID(modify_groups(args, view, state, usermod, change, local_commands));
  const auto modify_text =
      [&](std::string_view key, const std::string& current, const char* option) {
        if (!args.has(key) || args.text(key) == current) return false;
        usermod.add({option, args.text(key)});
        note(change, key, current, args.text(key));
        return true;
      };
  modify_text("comment", user.comment, "-c");
  if (modify_text("home", user.home, "-d") && args.boolean("move_home")) usermod.add({"-m"});
  modify_text("shell", user.shell, "-s");
  modify_expiry(args, state, usermod, change, local_commands);
  modify_password(args, state, usermod, change);
  if (usermod.has_options()) change.commands.push_back(usermod.finish(user.name));
  change.commands.insert(change.commands.end(), local_commands.begin(), local_commands.end());
  return change;
}

UserChange remove_user(const Args& args) {
  UserChange change;
  const bool local = args.boolean("local");
  Arguments userdel(local ? "luserdel" : "userdel");
  if (args.boolean("force") && !local) userdel.add({"-f"});
  if (args.boolean("remove")) userdel.add({"-r"});
  change.commands.push_back(userdel.finish(args.text("name")));
  change.before.set("state", "present");
  change.after.set("state", "absent");
  return change;
}

UserChange password_ages(const Args& args, const UserState& state) {
  UserChange change;
  Arguments chage("chage");
  const auto set =
      [&](std::string_view key, const char* option, std::optional<std::int64_t> current) {
        if (!args.has(key) || current.value_or(-1) == args.integer(key)) return;
        chage.add({option, std::to_string(args.integer(key))});
        note(change, key, current ? Value(*current) : Value(), args.integer(key));
      };
  set("password_expire_min", "-m", state.minimum);
  set("password_expire_max", "-M", state.maximum);
  set("password_expire_warn", "-W", state.warning);
  if (chage.has_options()) change.commands.push_back(chage.finish(args.text("name")));
  return change;
}

}  // namespace gpustack::modules
