#include "core/cli/manner.hpp"

#include "core/report/renderer.hpp"
#include "core/report/text.hpp"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

namespace gpustack::cli {

namespace {

Manner manner = Manner::gpustack;

std::string with_place(const std::string& message, const SourceSpan& span) {
  return span.known() ? message + " (" + span.text() + ")" : message;
}

}  // namespace

void set_manner(Manner wanted) { manner = wanted; }

class Teller::Filter final : public report::Sink {
 public:
  Filter(const std::set<std::string>& told, std::unique_ptr<report::Sink> next)
      : told_(told), next_(std::move(next)) {}

  void on(const report::Event& event) override {
    const bool is_told = event.type == report::EventType::warning &&
                         told_.contains(with_place(event.message, event.span));
    if (!is_told) next_->on(event);
  }
  void flush() override { next_->flush(); }

 private:
  const std::set<std::string>& told_;
  std::unique_ptr<report::Sink> next_;
};

void Teller::warn(const std::string& message, const SourceSpan& span) {
  const std::string text = with_place(message, span);
  if (!told_.insert(text).second) return;
  if (manner == Manner::ansible) {
    std::cerr << report::wrapped("[WARNING]: " + text, report::terminal_options().columns) << "\n";
  } else {
    std::cerr << "warning: " << text << "\n";
  }
}

void Teller::note(const inventory::Note& note) const {
  if (manner == Manner::ansible && verbosity_ >= note.verbosity) std::cout << note.text << "\n";
}

std::unique_ptr<report::Sink> Teller::without_told(std::unique_ptr<report::Sink> next) {
  return std::make_unique<Filter>(told_, std::move(next));
}

void print_error(const Error& error) {
  if (manner == Manner::ansible) {
    std::cerr << report::as_ansible_error(error.render(Colour::off));
    return;
  }
  const bool has_colours = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::cerr << error.render(has_colours ? Colour::on : Colour::off);
}

}  // namespace gpustack::cli
