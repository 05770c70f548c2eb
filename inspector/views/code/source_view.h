// Source: where the selected thread is, in the text that it was compiled from.
#pragma once

#include "inspector/models/machine_values.h"
#include "inspector/views/common/view.h"

namespace orrery::inspector {

class BreakpointList;
class SourceEditor;

class SourceView : public View {
    Q_OBJECT
public:
    SourceView(const ViewContext& context, BreakpointList* breakpoints);
    QWidget* main_widget() override;
    QString as_text() const override;
    SourceEditor* editor() const { return editor_; }
    // At the cursor's line; why not, if it can't be done, else "".
    QString toggle_breakpoint();

protected:
    void show_picture(const Snapshot& snapshot) override;
    Freshness judge(const Snapshot& snapshot) const override;

private:
    void open(const QString& file);
    void show_breakpoints();

    SourceEditor* editor_;
    BreakpointList* breakpoints_;
    CodePicture code_;
    QString problem_; // why code_.file can't be shown
};

// The file on this machine that debug information calls `file`: the same path, or the same end of it under the source
// folder. "" if there is none.
QString find_source(const QString& file);

} // namespace orrery::inspector
