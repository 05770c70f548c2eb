// What all views have in common: they show the latest picture while they are visible, and say what they need if not.
#pragma once

#include <QWidget>

#include "inspector/core/osmodel/snapshot.h"

class QLabel;
class QStackedLayout;


namespace orrery::inspector {

class EditController;
class Selection;
class SnapshotSource;
class TableView;

// What every view is given; all outlive it.
struct ViewContext {
    SnapshotSource* source = nullptr;
    Selection* selection = nullptr;
    EditController* edits = nullptr;
};

class View : public QWidget {
    Q_OBJECT
public:
    // `name`: object name of the dock, and the key in Snapshot::problems; `title`: for people.
    View(const ViewContext& context, const QString& name, const QString& title);

    QString title() const { return title_; }
    // One short line for the title bar: "thread 4 (ping)".
    QString summary() const { return summary_; }
    Freshness freshness() const { return freshness_; }
    bool has_picture() const { return has_picture_; }
    // The sentence in place of the content, or "".
    QString empty_sentence() const;
    // Small controls for the title bar (a table switch, a filter); may be null. The view keeps them.
    virtual QWidget* title_controls() { return nullptr; }
    // The whole content as text, for the clipboard.
    virtual QString as_text() const;
    // Where the keyboard goes when the view is called up.
    virtual QWidget* main_widget() = 0;

    // Shows the latest picture now if the view is visible, else when it becomes visible.
    void refresh();

Q_SIGNALS:
    void status_changed(); // title, summary or freshness

protected:
    // Draws `snapshot` (never null). Only called while visible.
    virtual void show_picture(const Snapshot& snapshot) = 0;
    // Called when there is no picture (never was).
    virtual void show_nothing() { }
    // How fresh what this view shows is, for a picture; most are as fresh as the picture.
    virtual Freshness judge(const Snapshot& snapshot) const { return snapshot.freshness; }
    // Sentence shown before there is any machine.
    virtual QString no_machine_sentence() const;

    void set_content(QWidget* content);
    // Hides the content behind a sentence that says what to do; "" shows the content again.
    void set_empty(const QString& sentence);
    void set_summary(const QString& summary);
    const ViewContext& context() const { return context_; }
    void showEvent(QShowEvent* event) override;

private:
    void show_now();

    ViewContext context_;
    QString title_, summary_;
    QStackedLayout* stack_;
    QLabel* empty_;
    QWidget* content_ = nullptr;
    Freshness freshness_ = Freshness::stale;
    bool has_picture_ = false, dirty_ = true;
};

} // namespace orrery::inspector
