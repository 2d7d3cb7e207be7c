#include "core/cli/vault_actions.hpp"

#include "core/cli/exit_codes.hpp"
#include "core/cli/options.hpp"
#include "core/cli/prompt.hpp"
#include "core/process/run.hpp"
#include "core/vault/files.hpp"
#include "core/vault/rewriter.hpp"
#include "modules/sdk/text.hpp"

#include <unistd.h>

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string_view>
#include <utility>

namespace gpustack::cli {

namespace {

constexpr std::string_view kStream = "-";
constexpr mode_t kOwnerOnly = 0077;

/// An environment variable's text; empty counts as not set.
std::string environment_text(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : std::string(text);
}

void tell(const std::string& line) { std::cerr << line << "\n"; }

/// Told to a user at a terminal, never to a script.
void tell_at_terminal(int descriptor, const std::string& line) {
  if (::isatty(descriptor) != 0) tell(line);
}

Result<std::string> read_input() {
  std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  if (std::cin.bad()) return Error(ErrorCode::file_unreadable, "cannot read standard input");
  return text;
}

Result<void> write_output(std::string_view text) {
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
  if (!std::cout.flush()) return Error(ErrorCode::file_unwritable, "cannot write standard output");
  return {};
}

vault::Streams streams() { return {.read = read_input, .write = write_output}; }

Error usage(const std::string& message) { return Error(ErrorCode::usage, message); }

bool reads_input(const VaultRequest& request) {
  return (request.words.empty() && !request.prompt) || !request.stdin_name.empty() ||
         std::ranges::find(request.words, kStream) != request.words.end();
}

Result<void> check_request(const std::string& action, const VaultRequest& request) {
  for (const std::string& id : request.sources.ids) {
    if (id.find(';') != std::string::npos) {
      return usage("'" + id +
                   "' is not a valid vault id. The character ';' is not allowed in vault ids");
    }
  }
  if (!request.output.empty() && request.words.size() > 1)
    return usage("At most one input file may be used with the --output option");
  if (action == "encrypt_string" && request.prompt && reads_input(request))
    return usage("The --prompt option is not supported if also reading input from stdin");
  if (action == "create" && request.words.size() != 1)
    return usage("'create' can take only one filename argument");
  return {};
}

Result<std::unique_ptr<vault::VaultSecrets>> read_secrets(const VaultRequest& request,
                                                          Purpose purpose) {
  VaultSources sources = request.sources;
  sources.add(request.defaults);
  return read_passwords(sources, purpose, ask_hidden);
}

std::string encrypt_id(const VaultRequest& request) {
  return request.encrypt_id.empty() ? request.defaults.encrypt_id : request.encrypt_id;
}

/// The password for what will be encrypted.
Result<vault::Identity> writing_identity(const VaultRequest& request) {
  GS_TRY(const auto secrets, read_secrets(request, Purpose::encrypt));
  const std::string id = encrypt_id(request);
  if (id.empty() && secrets->identities().size() > 1) {
    return usage("The vault-ids " + list_ids(*secrets, ",") +
                 " are available to encrypt. Specify the vault-id to encrypt with "
                 "--encrypt-vault-id");
  }
  return find_identity(*secrets, id);
}

/// The new password of `rekey`. Ids of the configuration count only when one of them is named.
Result<vault::Identity> new_identity(const VaultRequest& request) {
  const std::string id = encrypt_id(request);
  VaultSources sources;
  if (!request.new_id.empty()) sources.ids.push_back(request.new_id);
  if (!request.new_password_file.empty())
    sources.password_files.push_back(request.new_password_file);
  VaultDefaults defaults = request.defaults;
  if (id.empty()) defaults.ids.clear();
  sources.add(defaults);
  sources.ask = request.sources.ask;
  GS_TRY(const auto secrets, read_passwords(sources, Purpose::encrypt, ask_hidden));
  return find_identity(*secrets, id);
}

void tell_identity(const VaultRequest& request,
                   const std::string& path,
                   const vault::Identity& identity) {
  if (request.verbosity > 0) tell(path + ": opened with the vault id '" + identity.vault_id + "'");
}

/// The files named, or standard input.
std::vector<std::string> files_or_input(const VaultRequest& request, const std::string& kind) {
  if (!request.words.empty()) return request.words;
  tell_at_terminal(STDIN_FILENO, "Reading " + kind + " input from stdin");
  return {std::string(kStream)};
}

Result<void> encrypt_files(const VaultRequest& request) {
  GS_TRY(const vault::Identity identity, writing_identity(request));
  const vault::VaultSecrets none;
  const vault::Rewriter rewriter(none, streams());
  for (const std::string& path : files_or_input(request, "plaintext"))
    GS_TRY_VOID(rewriter.encrypt(path, request.output, identity));
  tell_at_terminal(STDOUT_FILENO, "Encryption successful");
  return {};
}

Result<void> decrypt_files(const VaultRequest& request) {
  GS_TRY(const auto secrets, read_secrets(request, Purpose::open));
  const vault::Rewriter rewriter(*secrets, streams());
  for (const std::string& path : files_or_input(request, "ciphertext")) {
    GS_TRY(const vault::Identity identity, rewriter.decrypt(path, request.output));
    tell_identity(request, path, identity);
  }
  tell_at_terminal(STDOUT_FILENO, "Decryption successful");
  return {};
}

Result<void> rekey_files(const VaultRequest& request) {
  GS_TRY(const auto secrets, read_secrets(request, Purpose::open));
  GS_TRY(const vault::Identity identity, new_identity(request));
  const vault::Rewriter rewriter(*secrets, streams());
  for (const std::string& path : request.words) {
    GS_TRY(const vault::Identity old, rewriter.rekey(path, identity));
    tell_identity(request, path, old);
  }
  tell("Rekey successful");
  return {};
}

/// Shows a text through $PAGER or less at a terminal; a script gets it with a line end.
Result<void> show(std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  if (::isatty(STDOUT_FILENO) == 0) return write_output(text);
  process::Command pager;
  const std::string chosen = environment_text("PAGER");
  const std::string program =
      chosen.empty() ? "if command -v less >/dev/null; then exec less; else exec cat; fi" : chosen;
  pager.arguments = {"/bin/sh", "-c", program};
  pager.input = std::move(text);
  pager.terminal = process::Terminal::given;
  if (environment_text("LESS").empty()) pager.environment = {{"LESS", "FRSX"}};
  GS_TRY_VOID(process::run(pager));
  return {};
}

Result<void> view_files(const VaultRequest& request) {
  GS_TRY(const auto secrets, read_secrets(request, Purpose::open));
  const vault::Rewriter rewriter(*secrets, streams());
  for (const std::string& path : request.words) {
    GS_TRY(vault::Opened opened, rewriter.open(path));
    tell_identity(request, path, opened.identity);
    GS_TRY_VOID(show(std::move(opened.plain)));
  }
  return {};
}

/// Runs the user's editor on a file. What it says at its end does not matter, unless a signal ended
/// it: then the file may be half of what was meant.
Result<void> run_editor(const std::string& path) {
  std::string editor = environment_text("EDITOR");
  if (editor.empty()) editor = environment_text("VISUAL");
  if (editor.empty()) editor = "vi";
  auto words = modules::shell_split(editor);
  if (!words || words->empty()) return usage("the editor '" + editor + "' is no command");
  process::Command command;
  command.arguments = std::move(*words);
  command.arguments.push_back(path);
  command.terminal = process::Terminal::given;
  auto done = process::run(command);
  if (!done) return std::move(done).error().hint("$EDITOR or $VISUAL names the editor to run");
  constexpr int kBySignal = 128;
  if (done->exit_code > kBySignal) {
    return Error(ErrorCode::command_failed,
                 "the editor '" + editor + "' was ended by signal " +
                     std::to_string(done->exit_code - kBySignal) + ": nothing is saved");
  }
  return {};
}

Result<void> edit_files(const VaultRequest& request) {
  GS_TRY(const auto secrets, read_secrets(request, Purpose::open));
  const vault::Rewriter rewriter(*secrets, streams());
  for (const std::string& path : request.words) {
    GS_TRY(const vault::Identity identity, rewriter.edit(path, run_editor));
    tell_identity(request, path, identity);
  }
  return {};
}

Result<void> create_file(const VaultRequest& request) {
  GS_TRY(const vault::Identity identity, writing_identity(request));
  const vault::VaultSecrets none;
  return vault::Rewriter(none, streams()).create(request.words.front(), identity, run_editor);
}

/// A text for encrypt_string.
struct Text {
  std::string text;
  std::string source;
  std::string name;  ///< may be empty
};

Result<Text> asked_text(const VaultRequest& request) {
  GS_TRY(std::string name, ask_shown("Variable name (enter for no name): "));
  std::string text;
  if (request.show_input) {
    GS_TRY(text, ask_shown("String to encrypt:"));
  } else {
    GS_TRY(const Secret hidden, ask_hidden("String to encrypt (hidden): "));
    text = hidden.reveal();
  }
  if (text.empty())
    return usage("The plaintext provided from the prompt was empty, not encrypting");
  return Text{std::move(text), "the interactive prompt", std::move(name)};
}

/// Line ends become LF, as in everything that Python reads as text.
std::string with_plain_line_ends(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r') {
      out += text[i];
    } else if (text.compare(i, 2, "\r\n") != 0) {
      out += '\n';
    }
  }
  return out;
}

Result<Text> input_text(const VaultRequest& request) {
  tell_at_terminal(STDOUT_FILENO,
                   "Reading plaintext input from stdin. (ctrl-d to end input, twice if your "
                   "content does not already have a newline)");
  GS_TRY(const std::string read, read_input());
  if (read.empty()) return usage("stdin was empty, not encrypting");
  if (!read.ends_with('\n') && ::isatty(STDOUT_FILENO) != 0) GS_TRY_VOID(write_output("\n"));
  return Text{with_plain_line_ends(read), "stdin", request.stdin_name};
}

Result<std::vector<Text>> argument_texts(const VaultRequest& request) {
  std::vector<Text> texts;
  for (const std::string& word : request.words) {
    if (word == kStream) continue;
    if (word.empty()) {
      return usage("The plaintext provided from the command line args was empty, not encrypting");
    }
    const std::string name =
        texts.size() < request.names.size() ? request.names[texts.size()] : std::string();
    texts.push_back(Text{word, "the command line args", name});
  }
  if (!request.names.empty() && texts.size() > request.names.size()) {
    tell("The number of --name options do not match the number of args.");
    tell("The last named variable will be \"" + request.names.back() +
         "\". The rest will not have names.");
  }
  return texts;
}

Result<std::vector<Text>> collect_texts(const VaultRequest& request) {
  std::vector<Text> texts;
  if (request.prompt) {
    GS_TRY(Text asked, asked_text(request));
    texts.push_back(std::move(asked));
  }
  if (reads_input(request)) {
    GS_TRY(Text read, input_text(request));
    texts.push_back(std::move(read));
  }
  GS_TRY(std::vector<Text> given, argument_texts(request));
  std::ranges::move(given, std::back_inserter(texts));
  return texts;
}

/// What tells several values apart. @source ansible-core 2.14, to the last bracket
std::string delimiter(const Text& text, std::size_t number) {
  const std::string place = "string #" + std::to_string(number) + " from " + text.source;
  return text.name.empty()
             ? "# The encrypted version of the " + place + ".)"
             : "# The encrypted version of variable (\"" + text.name + "\", the " + place + ").";
}

Result<void> encrypt_strings(const VaultRequest& request) {
  GS_TRY(const vault::Identity identity, writing_identity(request));
  GS_TRY(const std::vector<Text> texts, collect_texts(request));
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    GS_TRY(const std::string vault_text, vault::encrypt_text(texts[i].text, identity));
    if (texts.size() > 1) tell(delimiter(texts[i], i + 1));
    out += (i == 0 ? "" : "\n") + vault::as_yaml_value(vault_text, texts[i].name);
  }
  const bool to_stream = request.output.empty() || request.output == kStream;
  if (to_stream) {
    GS_TRY_VOID(write_output(out));
    tell_at_terminal(STDOUT_FILENO, "");  // the value itself ends without one
  } else {
    GS_TRY_VOID(
        vault::replace_file(vault::home_expanded(request.output), out, vault::Readers::as_before));
  }
  tell_at_terminal(STDOUT_FILENO, "Encryption successful");
  return {};
}

constexpr std::pair<std::string_view, Result<void> (*)(const VaultRequest&)> kActions[] = {
    {"encrypt", encrypt_files},
    {"decrypt", decrypt_files},
    {"view", view_files},
    {"edit", edit_files},
    {"create", create_file},
    {"rekey", rekey_files},
    {"encrypt_string", encrypt_strings},
};

}  // namespace

int vault_exit_code(const Error& error) {
  if (error.code() == ErrorCode::usage) return kUsage;
  return error.code() == ErrorCode::cancelled ? kStopped : kOtherError;
}

Result<void> run_vault_action(const std::string& action, const VaultRequest& request) {
  ::umask(kOwnerOnly);
  GS_TRY_VOID(check_request(action, request));
  const auto* found =
      std::ranges::find(kActions, action, [](const auto& one) { return one.first; });
  GS_ASSERT(found != std::end(kActions), "the verb describes only these actions");
  return found->second(request);
}

}  // namespace gpustack::cli
