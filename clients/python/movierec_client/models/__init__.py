"""Contains all the data models used in inputs/outputs"""

from .about import About
from .about_removed import AboutRemoved
from .account_erased import AccountErased
from .account_profiles import AccountProfiles
from .admin_note import AdminNote
from .batch_answer import BatchAnswer
from .batch_answer_lists import BatchAnswerLists
from .batch_answer_results import BatchAnswerResults
from .batch_job_answer import BatchJobAnswer
from .batch_job_answer_result import BatchJobAnswerResult
from .batch_request import BatchRequest
from .batch_request_user_histories import BatchRequestUserHistories
from .because import Because
from .cache_batch_request import CacheBatchRequest
from .cache_batch_request_user_histories import CacheBatchRequestUserHistories
from .catalogue_report import CatalogueReport
from .catalogue_report_response_default import CatalogueReportResponseDefault
from .certificate_enum import CertificateEnum
from .chart_answer import ChartAnswer
from .chart_answer_removed import ChartAnswerRemoved
from .chart_answer_suggestions import ChartAnswerSuggestions
from .chart_answer_suggestions_additional_property import ChartAnswerSuggestionsAdditionalProperty
from .chart_answer_unknown_names import ChartAnswerUnknownNames
from .chart_source import ChartSource
from .check_status import CheckStatus
from .country_enum import CountryEnum
from .country_window import CountryWindow
from .counts import Counts
from .credit_role import CreditRole
from .data_answer import DataAnswer
from .decade_taste import DecadeTaste
from .deleted_events import DeletedEvents
from .done_event import DoneEvent
from .doubles import Doubles
from .erased_answer import ErasedAnswer
from .event_request import EventRequest
from .event_result import EventResult
from .event_status import EventStatus
from .events_answer import EventsAnswer
from .events_body import EventsBody
from .exports_form import ExportsForm
from .exports_kind import ExportsKind
from .facet_count import FacetCount
from .filtered_answer import FilteredAnswer
from .filtered_answer_removed import FilteredAnswerRemoved
from .filtered_answer_suggestions import FilteredAnswerSuggestions
from .filtered_answer_suggestions_additional_property import FilteredAnswerSuggestionsAdditionalProperty
from .filtered_answer_unknown_names import FilteredAnswerUnknownNames
from .filtered_request import FilteredRequest
from .filters_applied import FiltersApplied
from .genre_taste import GenreTaste
from .genres import Genres
from .genres_certificate import GenresCertificate
from .genres_country import GenresCountry
from .genres_response_default import GenresResponseDefault
from .history_answer import HistoryAnswer
from .history_answer_events import HistoryAnswerEvents
from .history_answer_source_enum import HistoryAnswerSourceEnum
from .history_file import HistoryFile
from .history_item import HistoryItem
from .history_kind import HistoryKind
from .history_page import HistoryPage
from .home_answer import HomeAnswer
from .home_answer_suggestions import HomeAnswerSuggestions
from .home_answer_suggestions_additional_property import HomeAnswerSuggestionsAdditionalProperty
from .home_answer_unknown_names import HomeAnswerUnknownNames
from .home_certificate import HomeCertificate
from .home_country import HomeCountry
from .home_film import HomeFilm
from .home_row import HomeRow
from .imported_file import ImportedFile
from .imports_kind import ImportsKind
from .insight import Insight
from .insights_answer import InsightsAnswer
from .insights_answer_log import InsightsAnswerLog
from .insights_answer_not_attributed import InsightsAnswerNotAttributed
from .insights_by import InsightsBy
from .job_answer import JobAnswer
from .job_answer_result import JobAnswerResult
from .job_status import JobStatus
from .kept_merge import KeptMerge
from .kind_enum import KindEnum
from .known_viewer import KnownViewer
from .lacking import Lacking
from .language_taste import LanguageTaste
from .latest_certificate import LatestCertificate
from .latest_country import LatestCountry
from .latest_seen import LatestSeen
from .list_source import ListSource
from .live_answer import LiveAnswer
from .merge_answer import MergeAnswer
from .merge_request import MergeRequest
from .message_type import MessageType
from .missing_facts import MissingFacts
from .movie import Movie
from .movie_certificate import MovieCertificate
from .movie_country import MovieCountry
from .movie_details import MovieDetails
from .movie_details_translations import MovieDetailsTranslations
from .movie_details_translations_additional_property import MovieDetailsTranslationsAdditionalProperty
from .movie_page import MoviePage
from .movie_page_facets import MoviePageFacets
from .movie_page_suggestions import MoviePageSuggestions
from .movie_page_suggestions_additional_property import MoviePageSuggestionsAdditionalProperty
from .movie_page_unknown_names import MoviePageUnknownNames
from .movie_published import MoviePublished
from .movie_response_default import MovieResponseDefault
from .movies_certificate import MoviesCertificate
from .movies_country import MoviesCountry
from .movies_create_response_default import MoviesCreateResponseDefault
from .movies_published import MoviesPublished
from .movies_response_default import MoviesResponseDefault
from .movies_sort import MoviesSort
from .movies_update_response_default import MoviesUpdateResponseDefault
from .namesakes import Namesakes
from .neighbour import Neighbour
from .neighbour_source import NeighbourSource
from .new_movie import NewMovie
from .new_movie_availability_item import NewMovieAvailabilityItem
from .new_movie_availability_item_country import NewMovieAvailabilityItemCountry
from .new_movie_countries_item_type_0 import NewMovieCountriesItemType0
from .new_movie_translations import NewMovieTranslations
from .new_movie_translations_additional_property_type_0 import NewMovieTranslationsAdditionalPropertyType0
from .patched_movie_values import PatchedMovieValues
from .patched_movie_values_availability_item import PatchedMovieValuesAvailabilityItem
from .patched_movie_values_availability_item_country import PatchedMovieValuesAvailabilityItemCountry
from .patched_movie_values_countries_item_type_0 import PatchedMovieValuesCountriesItemType0
from .patched_movie_values_translations import PatchedMovieValuesTranslations
from .patched_movie_values_translations_additional_property_type_0 import (
    PatchedMovieValuesTranslationsAdditionalPropertyType0,
)
from .patched_profile_values import PatchedProfileValues
from .people_certificate import PeopleCertificate
from .people_country import PeopleCountry
from .people_page import PeoplePage
from .people_response_default import PeopleResponseDefault
from .person import Person
from .person_taste import PersonTaste
from .popular_certificate import PopularCertificate
from .popular_country import PopularCountry
from .popular_seen import PopularSeen
from .problem import Problem
from .problem_error import ProblemError
from .profile import Profile
from .profile_answer import ProfileAnswer
from .profile_values import ProfileValues
from .rate import Rate
from .ready_answer import ReadyAnswer
from .ready_answer_parts import ReadyAnswerParts
from .recommend_answer import RecommendAnswer
from .recommend_answer_removed import RecommendAnswerRemoved
from .recommend_answer_suggestions import RecommendAnswerSuggestions
from .recommend_answer_suggestions_additional_property import RecommendAnswerSuggestionsAdditionalProperty
from .recommend_answer_unknown_names import RecommendAnswerUnknownNames
from .recommend_request import RecommendRequest
from .recommend_stored_certificate import RecommendStoredCertificate
from .recommend_stored_country import RecommendStoredCountry
from .recommend_stored_seen import RecommendStoredSeen
from .rejected_answer import RejectedAnswer
from .rejected_row import RejectedRow
from .row_source import RowSource
from .scored import Scored
from .see_all import SeeAll
from .seen_films import SeenFilms
from .sent_history import SentHistory
from .served_film import ServedFilm
from .served_list import ServedList
from .shown_film import ShownFilm
from .shown_list import ShownList
from .similar_answer import SimilarAnswer
from .similar_answer_removed import SimilarAnswerRemoved
from .similar_request import SimilarRequest
from .similar_to_certificate import SimilarToCertificate
from .similar_to_country import SimilarToCountry
from .similar_to_seen import SimilarToSeen
from .stored_film import StoredFilm
from .system_answer import SystemAnswer
from .system_check import SystemCheck
from .system_check_figures import SystemCheckFigures
from .taste_answer import TasteAnswer
from .taste_direction import TasteDirection
from .titled import Titled
from .token_scope import TokenScope
from .track_answer import TrackAnswer
from .track_body import TrackBody
from .track_body_batch_item import TrackBodyBatchItem
from .track_result import TrackResult
from .track_status import TrackStatus
from .trained_model import TrainedModel
from .trending_certificate import TrendingCertificate
from .trending_country import TrendingCountry
from .trending_seen import TrendingSeen
from .undo_answer import UndoAnswer
from .undo_request import UndoRequest
from .unmatched_line import UnmatchedLine
from .unmatched_row import UnmatchedRow
from .users_events_delete_kind import UsersEventsDeleteKind
from .users_history_date_order import UsersHistoryDateOrder
from .users_history_kind import UsersHistoryKind
from .viewer_token_answer import ViewerTokenAnswer
from .viewer_token_request import ViewerTokenRequest
from .waiting_row import WaitingRow
from .written_profile import WrittenProfile

__all__ = (
    "About",
    "AboutRemoved",
    "AccountErased",
    "AccountProfiles",
    "AdminNote",
    "BatchAnswer",
    "BatchAnswerLists",
    "BatchAnswerResults",
    "BatchJobAnswer",
    "BatchJobAnswerResult",
    "BatchRequest",
    "BatchRequestUserHistories",
    "Because",
    "CacheBatchRequest",
    "CacheBatchRequestUserHistories",
    "CatalogueReport",
    "CatalogueReportResponseDefault",
    "CertificateEnum",
    "ChartAnswer",
    "ChartAnswerRemoved",
    "ChartAnswerSuggestions",
    "ChartAnswerSuggestionsAdditionalProperty",
    "ChartAnswerUnknownNames",
    "ChartSource",
    "CheckStatus",
    "CountryEnum",
    "CountryWindow",
    "Counts",
    "CreditRole",
    "DataAnswer",
    "DecadeTaste",
    "DeletedEvents",
    "DoneEvent",
    "Doubles",
    "ErasedAnswer",
    "EventRequest",
    "EventResult",
    "EventsAnswer",
    "EventsBody",
    "EventStatus",
    "ExportsForm",
    "ExportsKind",
    "FacetCount",
    "FilteredAnswer",
    "FilteredAnswerRemoved",
    "FilteredAnswerSuggestions",
    "FilteredAnswerSuggestionsAdditionalProperty",
    "FilteredAnswerUnknownNames",
    "FilteredRequest",
    "FiltersApplied",
    "Genres",
    "GenresCertificate",
    "GenresCountry",
    "GenresResponseDefault",
    "GenreTaste",
    "HistoryAnswer",
    "HistoryAnswerEvents",
    "HistoryAnswerSourceEnum",
    "HistoryFile",
    "HistoryItem",
    "HistoryKind",
    "HistoryPage",
    "HomeAnswer",
    "HomeAnswerSuggestions",
    "HomeAnswerSuggestionsAdditionalProperty",
    "HomeAnswerUnknownNames",
    "HomeCertificate",
    "HomeCountry",
    "HomeFilm",
    "HomeRow",
    "ImportedFile",
    "ImportsKind",
    "Insight",
    "InsightsAnswer",
    "InsightsAnswerLog",
    "InsightsAnswerNotAttributed",
    "InsightsBy",
    "JobAnswer",
    "JobAnswerResult",
    "JobStatus",
    "KeptMerge",
    "KindEnum",
    "KnownViewer",
    "Lacking",
    "LanguageTaste",
    "LatestCertificate",
    "LatestCountry",
    "LatestSeen",
    "ListSource",
    "LiveAnswer",
    "MergeAnswer",
    "MergeRequest",
    "MessageType",
    "MissingFacts",
    "Movie",
    "MovieCertificate",
    "MovieCountry",
    "MovieDetails",
    "MovieDetailsTranslations",
    "MovieDetailsTranslationsAdditionalProperty",
    "MoviePage",
    "MoviePageFacets",
    "MoviePageSuggestions",
    "MoviePageSuggestionsAdditionalProperty",
    "MoviePageUnknownNames",
    "MoviePublished",
    "MovieResponseDefault",
    "MoviesCertificate",
    "MoviesCountry",
    "MoviesCreateResponseDefault",
    "MoviesPublished",
    "MoviesResponseDefault",
    "MoviesSort",
    "MoviesUpdateResponseDefault",
    "Namesakes",
    "Neighbour",
    "NeighbourSource",
    "NewMovie",
    "NewMovieAvailabilityItem",
    "NewMovieAvailabilityItemCountry",
    "NewMovieCountriesItemType0",
    "NewMovieTranslations",
    "NewMovieTranslationsAdditionalPropertyType0",
    "PatchedMovieValues",
    "PatchedMovieValuesAvailabilityItem",
    "PatchedMovieValuesAvailabilityItemCountry",
    "PatchedMovieValuesCountriesItemType0",
    "PatchedMovieValuesTranslations",
    "PatchedMovieValuesTranslationsAdditionalPropertyType0",
    "PatchedProfileValues",
    "PeopleCertificate",
    "PeopleCountry",
    "PeoplePage",
    "PeopleResponseDefault",
    "Person",
    "PersonTaste",
    "PopularCertificate",
    "PopularCountry",
    "PopularSeen",
    "Problem",
    "ProblemError",
    "Profile",
    "ProfileAnswer",
    "ProfileValues",
    "Rate",
    "ReadyAnswer",
    "ReadyAnswerParts",
    "RecommendAnswer",
    "RecommendAnswerRemoved",
    "RecommendAnswerSuggestions",
    "RecommendAnswerSuggestionsAdditionalProperty",
    "RecommendAnswerUnknownNames",
    "RecommendRequest",
    "RecommendStoredCertificate",
    "RecommendStoredCountry",
    "RecommendStoredSeen",
    "RejectedAnswer",
    "RejectedRow",
    "RowSource",
    "Scored",
    "SeeAll",
    "SeenFilms",
    "SentHistory",
    "ServedFilm",
    "ServedList",
    "ShownFilm",
    "ShownList",
    "SimilarAnswer",
    "SimilarAnswerRemoved",
    "SimilarRequest",
    "SimilarToCertificate",
    "SimilarToCountry",
    "SimilarToSeen",
    "StoredFilm",
    "SystemAnswer",
    "SystemCheck",
    "SystemCheckFigures",
    "TasteAnswer",
    "TasteDirection",
    "Titled",
    "TokenScope",
    "TrackAnswer",
    "TrackBody",
    "TrackBodyBatchItem",
    "TrackResult",
    "TrackStatus",
    "TrainedModel",
    "TrendingCertificate",
    "TrendingCountry",
    "TrendingSeen",
    "UndoAnswer",
    "UndoRequest",
    "UnmatchedLine",
    "UnmatchedRow",
    "UsersEventsDeleteKind",
    "UsersHistoryDateOrder",
    "UsersHistoryKind",
    "ViewerTokenAnswer",
    "ViewerTokenRequest",
    "WaitingRow",
    "WrittenProfile",
)
