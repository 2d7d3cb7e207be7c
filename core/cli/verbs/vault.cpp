#include "core/cli/exit_codes.hpp"
#include "core/cli/options.hpp"
#include "core/cli/prompt.hpp"
#include "core/cli/vault_actions.hpp"
#include "core/cli/verbs.hpp"
#include "core/cli/version.hpp"

#include <CLI/CLI.hpp>

#include <limits>

namespace gpustack::cli {

namespace {

/// Words of the command line as they are: CLI11 takes a list of words for a place to split `[a,b]`,
/// unless it still misses some.
CLI::Option* add_words(CLI::App& action, const std::string& name, const std::string& help) {
  constexpr int kMany = std::numeric_limits<int>::max() / 2;
  return action.add_option(name, help)
      ->expected(kMany, kMany)
      ->multi_option_policy(CLI::MultiOptionPolicy::Join)
      ->type_name("...");
}

/// The last one counts, as in argparse.
CLI::Option* add_text(CLI::App& action,
                      const std::string& names,
                      std::string& text,
                      const std::string& help) {
  return action.add_option(names, text, help)->take_last()->type_name("TEXT");
}

/// `gpustack vault ACTION`, for what was written for ansible-vault.
class VaultVerb final : public Verb {
 public:
  void describe(CLI::App& program) override {
    command_ = program.add_subcommand(
        "vault", "Encrypt and decrypt files and texts, with the options of ansible-vault");
    command_->set_version_flag("--version", version_of("ansible-vault"));
    command_->require_subcommand(1);
    add_verbosity(*command_);
    describe_files();
    describe_encrypt_string();
    describe_rekey();
  }

  [[nodiscard]] bool chosen() const override { return command_->parsed(); }
  [[nodiscard]] int usage_code() const override { return kAnsibleUsage; }

  int run() override {
    const CLI::App& action = *command_->get_subcommands().front();
    request_.words = action.get_option("words")->results();
    set_manner(Manner::ansible);
    auto done = run_action(action.get_name());
    if (done) return kOk;
    print_error(done.error());
    return vault_exit_code(done.error());
  }

 private:
  Result<void> run_action(const std::string& action) {
    GS_TRY(const auto config, config::Config::load(config::process_sources()));
    GS_TRY(request_.defaults, vault_defaults(config));
    return run_vault_action(action, request_);
  }

  CLI::App& add_action(const std::string& name, const std::string& help) {
    CLI::App& action = *command_->add_subcommand(name, help);
    VaultSources& sources = request_.sources;
    action.add_option("--vault-id", sources.ids, "Vault password as LABEL@SOURCE")
        ->type_name("ID")
        ->allow_extra_args(false);
    CLI::Option* files = action
                             .add_option("--vault-password-file,--vault-pass-file",
                                         sources.password_files,
                                         "File, or program, that gives the vault password")
                             ->type_name("FILE")
                             ->allow_extra_args(false);
    action
        .add_flag(
            "-J,--ask-vault-password,--ask-vault-pass", sources.ask, "Ask for the vault password")
        ->excludes(files);
    add_verbosity(action);
    return action;
  }

  void add_verbosity(CLI::App& app) {
    app.add_flag("-v,--verbose", request_.verbosity, "Say which password opened a file");
  }

  void add_output(CLI::App& action) {
    add_text(action, "--output", request_.output, "File to write, '-' for standard output")
        ->type_name("FILE");
  }

  void add_encrypt_id(CLI::App& action) {
    add_text(action,
             "--encrypt-vault-id",
             request_.encrypt_id,
             "Id of the password to encrypt with, when there are several")
        ->type_name("LABEL");
  }

  void describe_files() {
    CLI::App& encrypt = add_action("encrypt", "Encrypt files, or standard input");
    CLI::App& decrypt = add_action("decrypt", "Decrypt files, or standard input");
    CLI::App& view = add_action("view", "Show what encrypted files hold");
    CLI::App& edit = add_action("edit", "Edit encrypted files ($EDITOR, $VISUAL or vi)");
    CLI::App& create = add_action("create", "Edit a new file that will be encrypted");
    for (CLI::App* action : {&encrypt, &decrypt}) add_output(*action);
    for (CLI::App* action : {&encrypt, &edit, &create}) add_encrypt_id(*action);
    create.add_flag(
        "--skip-tty-check", skip_tty_check_, "For scripts: no terminal is asked for anyway");
    for (CLI::App* action : {&encrypt, &decrypt, &view, &edit, &create})
      add_words(*action, "words", "Files; '-' is standard input");
  }

  void describe_encrypt_string() {
    CLI::App& action = add_action("encrypt_string", "Encrypt texts as values to paste into YAML");
    add_output(action);
    add_encrypt_id(action);
    action.add_flag("-p,--prompt", request_.prompt, "Ask for the text");
    action.add_flag("--show-input", request_.show_input, "Show the text while it is typed");
    action.add_option("-n,--name", request_.names, "Name of the variable, one for each text")
        ->type_name("NAME")
        ->allow_extra_args(false);
    add_text(action,
             "--stdin-name",
             request_.stdin_name,
             "Name of the variable for the text of standard input")
        ->type_name("NAME");
    add_words(action, "words", "Texts; '-' or none is standard input");
  }

  void describe_rekey() {
    CLI::App& action = add_action("rekey", "Encrypt files anew, with another password");
    add_encrypt_id(action);
    CLI::Option* file = add_text(action,
                                 "--new-vault-password-file",
                                 request_.new_password_file,
                                 "File, or program, that gives the new password")
                            ->type_name("FILE");
    add_text(action, "--new-vault-id", request_.new_id, "The new password as LABEL@SOURCE")
        ->type_name("ID")
        ->excludes(file);
    add_words(action, "words", "Files");
  }

  CLI::App* command_ = nullptr;
  VaultRequest request_;
  bool skip_tty_check_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_vault() { return std::make_unique<VaultVerb>(); }

}  // namespace gpustack::cli
