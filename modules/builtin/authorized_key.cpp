#include "modules/builtin/support/file_state.hpp"
#include "modules/sdk/accounts.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>
#include <array>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "user", .required = true, .doc = "Whose keys."},
    {.name = "key",
     .required = true,
     .doc = "One or more public keys, one a line, or an http address that gives them."},
    {.name = "state",
     .fallback = "present",
     .choices = "absent,present",
     .doc = "Whether the keys shall be there."},
    {.name = "path",
     .type = ArgType::path,
     .doc = "The file; ~/.ssh/authorized_keys of the user when absent."},
    {.name = "manage_dir",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Make the file's folder, with the user as owner and mode 0700."},
    {.name = "key_options", .doc = "Options to write in front of the keys, separated by commas."},
    {.name = "comment", .doc = "Comment to write behind the keys in place of their own."},
    {.name = "exclusive",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Remove all other keys."},
    {.name = "validate_certs",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Refuse an https server whose certificate is not trusted."},
    {.name = "follow",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Write to what a link points to; otherwise the link is replaced."},
};

constexpr Example kExamples[] = {
    {.title = "A key from the controller",
     .yaml = "authorized_key:\n  user: ops\n  key: \"{{ lookup('file', 'keys/ops.pub') }}\""},
    {.title = "Only these keys",
     .yaml = "authorized_key:\n  user: root\n  key: \"{{ lookup('file', 'keys/root.pub') }}\"\n  "
             "exclusive: yes\n  key_options: 'no-port-forwarding,from=\"10.0.0.0/8\"'"},
};

constexpr ResultKey kResults[] = {
    {"keyfile", "The file that holds the keys."},
    {"user", "Whose keys."},
    {"key", "The keys that were asked for."},
    {"state", "Whether they shall be there."},
};

constexpr std::array<std::string_view, 9> kTypes = {"sk-ecdsa-sha2-nistp256@openssh.com",
                                                    "ecdsa-sha2-nistp256",
                                                    "ecdsa-sha2-nistp384",
                                                    "ecdsa-sha2-nistp521",
                                                    "sk-ssh-ed25519@openssh.com",
                                                    "ssh-ed25519",
                                                    "ssh-dss",
                                                    "ssh-rsa",
                                                    "ssh-ed448"};

using Options = std::vector<std::string>;  ///< `name` or `name=value`, in order

struct Key {
  std::string id;    ///< the key itself; the whole line where it is no key
  std::string type;  ///< empty: a line that is kept as it is
  Options options;
  std::string comment;
};

/// Parts between commas that stand outside of quotes.
Options parse_options(std::string_view text) {
  Options options;
  std::string part;
  char quote = '\0';
  for (const char c : text) {
    if (quote == '\0' && c == ',') {
      if (!part.empty()) options.push_back(std::move(part));
      part.clear();
      continue;
    }
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    }
    part += c;
  }
  if (!part.empty()) options.push_back(std::move(part));
  return options;
}

/// The order of different options does not matter, that of equal names does.
bool same_options(Options left, Options right) {
  const auto by_name = [](const std::string& a, const std::string& b) {
    return a.substr(0, a.find('=')) < b.substr(0, b.find('='));
  };
  std::stable_sort(left.begin(), left.end(), by_name);
  std::stable_sort(right.begin(), right.end(), by_name);
  return left == right;
}

std::optional<Key> parse_key(const std::string& line) {
  const auto words = split_words(replace_all(line, "\\#", "#"));
  if (!words.empty() && words[0].starts_with('#')) return std::nullopt;
  const auto type = std::find_first_of(words.begin(), words.end(), kTypes.begin(), kTypes.end());
  if (type == words.end() || type + 1 == words.end()) return std::nullopt;
  Key key;
  key.type = *type;
  key.id = *(type + 1);
  key.options = parse_options(join(std::span(words.begin(), type), " "));
  key.comment = join(std::span(type + 2, words.end()), " ");
  return key;
}

std::string line_of(const Key& key) {
  if (key.type.empty()) return key.id;
  const std::string options = key.options.empty() ? std::string() : join(key.options, ",") + " ";
  return options + key.type + " " + key.id + " " + key.comment + "\n";
}

std::vector<Key> parse_file(const std::string& text) {
  std::vector<Key> keys;
  for (const std::string& line : split_lines(text)) {
    const auto parsed = parse_key(line);
    Key key = parsed ? *parsed : Key{.id = line + "\n", .type = {}, .options = {}, .comment = {}};
    // A key that stands there twice counts once, as it stands last.
    if (!key.type.empty())
      std::erase_if(keys, [&](const Key& known) { return known.id == key.id; });
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::vector<Key>> wanted_keys(const Args& args, const SystemView& view) {
  std::string text = args.text("key");
  if (text.starts_with("http")) {
    HttpQuery request;
    request.url = text;
    request.validate_certificates = args.boolean("validate_certs", true);
    GS_TRY(HttpResponse answer, view.http(request));
    if (answer.status != 200) {
      return Error(ErrorCode::module_failed,
                   "the keys at '" + text + "' cannot be loaded: " + std::to_string(answer.status) +
                       " " + answer.reason);
    }
    text = std::move(answer.body);
  }
  std::vector<Key> keys;
  for (const std::string& line : split_lines(text)) {
    if (line.empty() || line.starts_with('#')) continue;
    auto key = parse_key(line);
    if (!key) return Error(ErrorCode::invalid_argument, "'" + line + "' is no public key");
    if (args.has("key_options")) key->options = parse_options(args.text("key_options"));
    if (args.has("comment")) key->comment = args.text("comment");
    keys.push_back(std::move(*key));
  }
  return keys;
}

/// @return whether anything is to be written
bool merge(std::vector<Key>& keys, const std::vector<Key>& wanted, const Args& args) {
  const bool present = args.text("state") == "present";
  bool changed = false;
  std::vector<std::string> ids;
  for (const Key& key : wanted) {
    ids.push_back(key.id);
    const auto known = std::find_if(keys.begin(), keys.end(), [&](const Key& one) {
      return !one.type.empty() && one.id == key.id;
    });
    if (!present) {
      if (known == keys.end()) continue;
      keys.erase(known);
      changed = true;
      continue;
    }
    const bool equal = known != keys.end() && known->type == key.type &&
                       known->comment == key.comment && same_options(known->options, key.options);
    if (equal) continue;
    if (known != keys.end()) keys.erase(known);
    keys.push_back(key);
    changed = true;
  }
  if (present && args.boolean("exclusive")) {
    const std::size_t before = keys.size();
    std::erase_if(keys, [&](const Key& key) {
      return std::find(ids.begin(), ids.end(), key.id) == ids.end();
    });
    changed = changed || keys.size() != before;
  }
  return changed;
}

struct Place {
  std::string file;
  std::string folder;
  std::optional<User> user;
};

Result<Place> place_of_keys(const Args& args, const SystemView& view) {
  Place place;
  GS_TRY(place.user, find_user(view, args.text("user")));
  // In a dry run an earlier task may be about to make the account.
  if (!place.user && !(view.check_mode() && args.has("path"))) {
    return Error(ErrorCode::module_failed, "there is no user '" + args.text("user") + "'");
  }
  place.file = args.has("path") ? args.text("path") : place.user->home + "/.ssh/authorized_keys";
  place.folder = parent_folder(place.file);
  if (args.boolean("follow")) {
    GS_TRY(const bool exists, path_exists(view, place.file));
    if (exists) {
      GS_TRY(place.file, view.real_path(place.file));
    }
  }
  return place;
}

Result<void> plan_folder(Plan& plan, const Args& args, const SystemView& view, const Place& place) {
  GS_TRY(const auto now, view.stat(place.folder));
  const Ownership owner{.uid = place.user->uid, .gid = place.user->gid};
  if (!now) {
    GS_TRY(const auto parents, missing_parents(view, place.folder));
    for (const std::string& parent : parents)
      plan.step(MakeDirectory{parent, 0777U & ~view.umask()});
    plan.step(
        MakeDirectory{place.folder, args.boolean("manage_dir") ? 0700U : 0777U & ~view.umask()});
  }
  if (!args.boolean("manage_dir")) return {};
  if (!now || now->uid != *owner.uid || now->gid != *owner.gid)
    plan.step(SetOwner{place.folder, owner, true});
  if (!now || now->mode != 0700) plan.step(SetMode{place.folder, 0700});
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  GS_TRY(const Place place, place_of_keys(args, view));
  GS_TRY(const auto wanted, wanted_keys(args, view));
  GS_TRY(const auto now, view.stat(place.file));
  std::string before;
  if (now && now->kind == FileKind::regular) {
    GS_TRY(before, view.read(place.file));
  }
  std::vector<Key> keys = parse_file(before);
  Plan plan;
  for (const std::string_view name : {"user",
                                      "key",
                                      "state",
                                      "exclusive",
                                      "manage_dir",
                                      "validate_certs",
                                      "follow",
                                      "comment",
                                      "key_options",
                                      "path"}) {
    plan.set(name, args.get(name));
  }
  plan.set("keyfile", Value(place.file));
  if (!merge(keys, wanted, args)) return plan;
  plan.changed = true;
  std::string after;
  for (const Key& key : keys) after += line_of(key);
  add_content_diff(plan, view, before, after, place.file, place.file);
  if (!place.user) return plan;
  GS_TRY_VOID(plan_folder(plan, args, view, place));
  WriteOptions options;
  options.mode = 0600;
  options.owner = Ownership{.uid = place.user->uid, .gid = place.user->gid};
  options.follow = args.boolean("follow");
  plan.step(WriteFile{place.file, Content::of(std::move(after)), std::move(options)});
  return plan;
}

}  // namespace

extern const ModuleSpec authorized_key_module;
const ModuleSpec authorized_key_module{
    .name = "authorized_key",
    .collection = "ansible.posix",
    .summary = "Have public keys in a user's authorized_keys, or have them removed.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .has_diff = true,
    .plan = plan};

}  // namespace gpustack::modules
