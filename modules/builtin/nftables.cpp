#include "core/base/json.hpp"
#include "modules/builtin/support/account_lookup.hpp"
#include "modules/builtin/support/command_result.hpp"
#include "modules/builtin/support/file_state.hpp"
#include "modules/builtin/support/plan_steps.hpp"
#include "modules/builtin/support/systemd_unit.hpp"
#include "modules/builtin/support/text_edit.hpp"
#include "modules/sdk/text.hpp"

#include <algorithm>

namespace gpustack::modules {

namespace {

constexpr ArgSpec kArgs[] = {
    {.name = "content",
     .required = true,
     .doc = "The rules, in nft's own language. `nft -c` checks them before anything changes."},
    {.name = "path",
     .type = ArgType::path,
     .fallback = "/etc/nftables.conf",
     .doc = "The file; the service nftables reads /etc/nftables.conf at boot."},
    {.name = "flush",
     .fallback = "tables",
     .choices = "tables,ruleset,none",
     .doc = "What the file takes away before it adds its own: the tables it defines, so that those "
            "of Docker and others stay; all rules; or what `content` itself takes away."},
    {.name = "load",
     .type = ArgType::boolean,
     .fallback = "yes",
     .doc = "Whether the kernel gets the rules, at once and as a whole, when the file changed or "
            "the tables are no longer as loaded."},
    {.name = "enabled",
     .type = ArgType::boolean,
     .doc = "Whether the service nftables loads the rules at boot."},
    {.name = "backup",
     .type = ArgType::boolean,
     .fallback = "no",
     .doc = "Keep a copy of the old file beside it."},
};
constexpr Example kExamples[] = {
    {.title = "Only ssh and the model server from outside",
     .yaml =
         "nftables:\n  content: |\n    table inet filter {\n      chain input {\n        type "
         "filter hook input priority 0; policy drop;\n        ct state established,related "
         "accept\n        iif lo accept\n        tcp dport { 22, 8000 } accept\n      }\n    }\n"
         "  enabled: true"},
    {.title = "Rules of a template, in a file of their own",
     .yaml = "nftables:\n  path: /etc/nftables.d/gpu.nft\n  content: \"{{ lookup('template', "
             "'gpu.nft.j2') }}\""},
};
constexpr ResultKey kResults[] = {
    {"path", "The file."},
    {"tables", "The tables that the content defines, each with its family."},
    {"loaded", "Whether the kernel got the rules in this run."},
    {"enabled", "Whether they are loaded at boot, when that was asked for."},
    {"backup_file", "The copy of the old file."},
};

constexpr std::string_view kFamilies[] = {"ip", "ip6", "inet", "arp", "bridge", "netdev"};
constexpr std::string_view kRecords = "/var/lib/gpustack/nftables/";

/// Words of the rules: without comments, with `{`, `}`, `;` and line ends as words of their own.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  char quote = '\0';
  bool is_comment = false;
  for (const char c : text) {
    if (is_comment && c != '\n') continue;
    is_comment = false;
    if (quote != '\0' || c == '"') {
      quote = c == '"' ? (quote == '\0' ? c : '\0') : quote;
      word += c;
    } else if (c == '#') {
      is_comment = true;
    } else if (c == '{' || c == '}' || c == ';' || c == '\n') {
      end_word();
      words.emplace_back(1, c == '\n' ? ';' : c);
    } else if (kWhiteSpace.find(c) != std::string_view::npos) {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  return words;
}

/// `family name` behind the word `table`; empty when there is none.
std::string table_behind(const std::vector<std::string>& words, std::size_t i) {
  if (i + 1 >= words.size()) return {};
  const bool has_family = std::ranges::find(kFamilies, words[i + 1]) != std::end(kFamilies);
  if (!has_family) return "ip " + words[i + 1];
  return i + 2 < words.size() ? words[i + 1] + " " + words[i + 2] : std::string();
}

/// `family name` of each table that the rules define.
std::vector<std::string> tables_of(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  std::vector<std::string> tables;
  int depth = 0;
  bool begins = true;  // of a statement
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    depth += word == "{" ? 1 : word == "}" ? -1 : 0;
    const bool is_verb = begins && (word == "add" || word == "create");
    if (depth == 0 && begins && word == "table") {
      std::string table = table_behind(words, i);
      if (!table.empty() && std::ranges::find(tables, table) == tables.end())
        tables.push_back(std::move(table));
    }
    begins = is_verb || word == ";" || word == "}" || word == "{";
  }
  return tables;
}

Result<std::string> wanted_text(const Args& args, const std::vector<std::string>& tables) {
  std::string text = args.text("content");
  if (!text.ends_with('\n')) text += '\n';
  const std::string flush = args.text("flush");
  if (flush == "none") return text;
  std::string first;
  std::string_view rest = text;
  // What says which program reads the file stays in its first line.
  if (text.starts_with("#!")) {
    first = text.substr(0, text.find('\n') + 1);
    rest.remove_prefix(first.size());
  }
  if (flush == "ruleset") {
    first += "flush ruleset\n";
  } else {
    for (const std::string& table : tables) {
      if (table.find('$') != std::string::npos) {
        return Error(ErrorCode::invalid_argument,
                     "the table '" + table + "' is named by a variable, so it cannot be replaced")
            .hint("write its name, or flush: none with a delete of your own");
      }
      // It must be there before it can be deleted, on a first load, too.
      first.append("table ").append(table).append("\ndelete table ").append(table).append("\n");
    }
  }
  return first + "\n" + std::string(rest);
}

Command nft(std::vector<std::string> words, std::string input = {}) {
  words.insert(words.begin(), "nft");
  Command command = parsable_command(std::move(words));
  command.input = std::move(input);
  return command;
}

/// How the kernel's rules look now, without counters and the items of sets; nothing when a table is
/// missing.
Result<std::string> listing(const SystemView& view,
                            const std::string& flush,
                            const std::vector<std::string>& tables) {
  std::string all;
  std::vector<std::string> whats{"ruleset"};
  if (flush != "ruleset") {
    whats.clear();
    for (const std::string& table : tables) whats.push_back("table " + table);
  }
  for (const std::string& what : whats) {
    std::vector<std::string> words = split_words("-s -t list " + what);
    GS_TRY(const CommandResult done, view.query(nft(std::move(words))));
    if (done.status != 0) return std::string();
    all += done.output;
  }
  return hash_bytes(Algorithm::sha256, all);
}

std::string record_path(const std::string& path) {
  return std::string(kRecords) + replace_all(path.substr(1), "/", "_") + ".json";
}

std::string record_text(const std::string& text, const std::string& rules) {
  return to_json(Value::map({{"file", hash_bytes(Algorithm::sha256, text)}, {"rules", rules}})) +
         "\n";
}

/// Whether the kernel still has what was loaded from this text.
Result<bool> is_loaded(const SystemView& view,
                       const std::string& path,
                       const std::string& text,
                       const std::string& rules) {
  const std::string record = record_path(path);
  GS_TRY(const auto present, view.stat(record));
  if (!present || rules.empty()) return false;
  GS_TRY(const std::string old, view.read(record));
  return old == record_text(text, rules);
}

Result<void> check_rules(const SystemView& view, const std::string& text) {
  GS_TRY(const CommandResult done, view.query(nft({"-c", "-f", "-"}, text)));
  if (done.status == 0) return {};
  return Error(ErrorCode::module_failed,
               "nft does not take the rules: " + std::string(trim(done.errors)))
      .hint("lines are counted with those that 'flush' puts in front");
}

Result<void> plan_load(Plan& plan,
                       const Args& args,
                       const SystemView& view,
                       const std::string& text,
                       const std::vector<std::string>& tables) {
  const std::string flush = args.text("flush");
  GS_TRY(const std::string rules, listing(view, flush, tables));
  GS_TRY(const bool loaded, is_loaded(view, args.text("path"), text, rules));
  plan.set("loaded", !loaded);
  if (loaded) return {};
  if (!plan.changed) {
    show_change(plan,
                "rules",
                rules.empty() ? "not loaded" : "other than loaded",
                "as in the file",
                args.text("path"));
  }
  plan.changed = true;
  plan.step(RunCommand{nft({"-f", args.text("path")}), "the rules could not be loaded"});
  plan.state.set("path", args.get("path"));
  plan.state.set("text", text);
  plan.state.set("flush", flush);
  return {};
}

Result<Plan> plan(const Args& args, const SystemView& view) {
  const std::string path = args.text("path");
  if (!path.starts_with('/'))
    return Error(ErrorCode::invalid_argument, "path is '" + path + "', expected one from / on");
  const std::vector<std::string> tables = tables_of(args.text("content"));
  GS_TRY(const std::string text, wanted_text(args, tables));
  Plan plan;
  const bool has_nft = !view.find_program("nft").empty();
  // A dry run of a play that would install it: what cannot be asked is said.
  if (!has_nft && !view.check_mode()) return missing_program("nft");
  if (has_nft) {
    GS_TRY_VOID(check_rules(view, text));
  } else {
    add_warning(plan.result, "nft is not there yet, so that the rules are not checked");
  }
  GS_TRY(const TextFile file, open_text(view, path));
  GS_TRY_VOID(finish_edit(plan, args, view, file, text, "", Headers::path_only));
  plan.result.mutable_map().erase(std::string_view("msg"));
  List shown;
  for (const std::string& table : tables) shown.push_back(Value(table));
  plan.set("path", path).set("tables", Value(std::move(shown)));
  if (args.boolean("load") && has_nft) GS_TRY_VOID(plan_load(plan, args, view, text, tables));
  if (!args.has("enabled")) return plan;
  const Value unit = Value::map({{"name", "nftables.service"}, {"enabled", args.get("enabled")}});
  GS_TRY(Plan inner, plan_unit(Args(unit), view));
  plan.changed = plan.changed || inner.changed;
  for (Diff& diff : inner.diffs) plan.diffs.push_back(std::move(diff));
  plan.set("enabled", args.get("enabled"));
  if (inner.changed) plan.state.set("unit", unit);
  return plan;
}

/// Remembers how the kernel shows the rules, by which a later run sees whether they are still
/// those.
Result<void> remember(const Plan& plan, System& system) {
  std::vector<std::string> tables;
  for (const Value& table : plan.result.get("tables").as_list()) tables.push_back(to_text(table));
  const std::string path = to_text(plan.state.get("path"));
  GS_TRY(const std::string rules, listing(system, to_text(plan.state.get("flush")), tables));
  const std::string record = record_path(path);
  GS_TRY(const auto folders, missing_parents(system, record));
  for (const std::string& folder : folders) GS_TRY_VOID(system.make_directory(folder, 0755));
  const std::string text = record_text(to_text(plan.state.get("text")), rules);
  GS_TRY_VOID(system.write(record, Content::of(text), WriteOptions{}));
  return {};
}

Result<Outcome> apply(const Plan& plan, System& system) {
  GS_TRY(Outcome outcome, apply_steps(plan, system));
  if (outcome.failed || plan.state.is_null()) return outcome;
  if (plan.state.find("text") != nullptr) GS_TRY_VOID(remember(plan, system));
  if (const Value* unit = plan.state.find("unit")) {
    GS_TRY(const Plan inner, plan_unit(Args(*unit), system));
    GS_TRY(const Outcome done, apply_unit(inner, system));
    if (done.failed) return done;
  }
  return outcome;
}

}  // namespace

extern const ModuleSpec nftables_module;
const ModuleSpec nftables_module{
    .name = "nftables",
    .collection = "gpustack.builtin",
    .summary = "The rules of nftables: checked, written, and loaded as a whole when they changed.",
    .args = kArgs,
    .examples = kExamples,
    .results = kResults,
    .queries =
        "nft -c, nft -s -t list, systemctl show, systemctl is-enabled, systemctl is-active, "
        "systemctl list-unit-files",
    .has_diff = true,
    .file_arguments = true,
    .plan = plan,
    .apply = apply};

}  // namespace gpustack::modules
