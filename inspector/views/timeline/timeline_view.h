// The timeline: phases as the flight recorder saw them, one cause followed across threads and processors.
#pragma once

#include "inspector/views/common/view.h"

class QComboBox;
class QLabel;
class QTimer;
class QToolButton;

namespace orrery::inspector {

class TableView;
class TimelineFilter;
class TimelineModel;

class TimelineView : public View {
    Q_OBJECT
public:
    explicit TimelineView(const ViewContext& context);
    QWidget* main_widget() override;
    QWidget* title_controls() override;
    QString as_text() const override;
    TimelineModel* model() const { return model_; }
    TableView* table() const { return table_; }

protected:
    void show_picture(const Snapshot& snapshot) override;

private:
    void take_latest();
    void row_chosen(const QModelIndex& index);
    void apply_filter();

    TimelineModel* model_;
    TimelineFilter* filter_;
    TableView* table_;
    QLabel* sentence_; // the selected event in words
    QWidget* controls_;
    QComboBox* group_;
    QToolButton* only_cause_;
    QToolButton* follow_;
    QTimer* pace_; // the recorder fills far faster than a person reads
};

} // namespace orrery::inspector
