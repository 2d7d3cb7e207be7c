#pragma once
/// @file Renderers: sinks that show a run to people and programs.

#include "core/report/event.hpp"
#include "core/report/text.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gpustack::report {

/// An error block as Ansible begins it: `ERROR! ` in place of `error[GS1002]: `.
std::string as_ansible_error(const std::string& text);

/// Where text goes. One object per stream.
class Output {
 public:
  virtual ~Output() = default;
  virtual void write(std::string_view text) = 0;
  virtual void flush() {}
};

/// A file descriptor (1 or 2), written in whole buffers. A reader that went away ends the output,
/// not the program.
class DescriptorOutput final : public Output {
 public:
  explicit DescriptorOutput(int descriptor) : descriptor_(descriptor) {}
  ~DescriptorOutput() override;
  DescriptorOutput(const DescriptorOutput&) = delete;
  DescriptorOutput& operator=(const DescriptorOutput&) = delete;
  void write(std::string_view text) override;
  void flush() override;

 private:
  int descriptor_;
  std::string pending_;
};

/// Keeps what was written; for tests and for the daemon's run pages.
class TextOutput final : public Output {
 public:
  void write(std::string_view text) override { text_ += text; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

struct RendererOptions {
  int verbosity = 0;  ///< number of `-v`
  Colour colour = Colour::off;
  std::size_t columns = 79;    ///< what Ansible uses when there is no terminal
  bool is_terminal = false;    ///< `pretty` needs one, else it is `plain`
  bool show_ok = true;         ///< `ansible`: hosts that are ok
  bool show_skipped = true;    ///< `ansible`: hosts that were skipped
  bool check_markers = false;  ///< `ansible`: `[CHECK MODE]` in banners
};

/// Looks at stdout, TERM, NO_COLOR, CLICOLOR_FORCE and the window's width.
RendererOptions terminal_options();

/// `ansible`, `plain`, `pretty` and `json`.
const std::vector<std::string_view>& renderer_names();

/// @param out  results; @param err  warnings, errors and progress. Both outlive the renderer.
/// @return nullptr for an unknown name
std::unique_ptr<Sink> make_renderer(std::string_view name,
                                    const RendererOptions& options,
                                    Output& out,
                                    Output& err);

std::unique_ptr<Sink> make_ansible_renderer(const RendererOptions& options,
                                            Output& out,
                                            Output& err);
std::unique_ptr<Sink> make_plain_renderer(const RendererOptions& options, Output& out, Output& err);
std::unique_ptr<Sink> make_pretty_renderer(const RendererOptions& options,
                                           Output& out,
                                           Output& err);
std::unique_ptr<Sink> make_json_renderer(Output& out);
/// How `ansible` shows the one task of a command: several lines a host, or one.
enum class HostLines : std::uint8_t { several, one };
std::unique_ptr<Sink> make_minimal_renderer(const RendererOptions& options,
                                            HostLines lines,
                                            Output& out,
                                            Output& err);

/// One JSON record with a line end: the fields of the event that are set, secrets and `no_log`
/// results hidden.
std::string to_json_line(const Event& event);

/// What the text renderers share.
std::string host_label(const Event& event);
/// The loop item as text, or the note that it is hidden.
std::string item_text(const Event& event);
/// The result's `msg`, `reason`, or the end of its `stderr`, for one-line failures; secrets hidden.
std::string failure_text(const Event& event);
/// The result as Ansible prints it behind `=>`.
std::string dump_result(const Event& event, int verbosity);
/// What of the result it prints.
Value printed_result(const Event& event, int verbosity);

}  // namespace gpustack::report
